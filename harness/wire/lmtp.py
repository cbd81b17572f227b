"""LMTP (RFC 2033) over a `Dialogue`: a message handed over as the outside world would, and whether anybody takes it."""

from __future__ import annotations

import smtplib
from contextlib import closing, suppress
from email.message import EmailMessage

from harness.wire.dialogue import Asked, Broken, Dialogue, Heard, Told
from harness.wire.stream import Address

SENDER = "probe@exitproof.invalid"  # RFC 2606: nobody answers there
_NOBODY = (550, b"5.1.1")  # RFC 3463: there is no such mailbox


class LmtpWire:
    """Limits, times and evidence are the dialogue's. A message is sent once: nobody may get it twice."""

    def __init__(self, dialogue: Dialogue, address: Address, timeout_s: float) -> None:
        self._dialogue = dialogue
        self._address = address
        self._timeout_s = timeout_s

    def deliver(self, to: str, subject: str) -> Told[bool]:
        """True: taken; False: there is nobody of that address. Raises `Unknown` for every other answer."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = SENDER, to, subject
        message["Message-ID"] = f"<{subject.replace(' ', '.')}@exitproof.invalid>"  # a redirect sends no message twice
        message.set_content("A message of a deprovisioning drill. It may be deleted.\n")

        def attempt() -> Heard[bool]:
            try:
                with closing(smtplib.LMTP(self._address.host, self._address.port, timeout=self._timeout_s)) as lmtp:
                    lmtp.sendmail(SENDER, [to], message.as_bytes())
                    with suppress(smtplib.SMTPException, OSError):
                        lmtp.quit()  # the message is theirs by now, whatever they say to this
            except smtplib.SMTPRecipientsRefused as refused:
                code, text = refused.recipients[to]
                if (code, text[:5]) != _NOBODY:
                    raise Broken(f"the message was answered {code}", code=code, in_doubt=False) from None
                return Heard(False, text.decode("utf-8", "replace"), code)
            except smtplib.SMTPResponseException as answered:
                raise Broken(f"the message was answered {answered.smtp_code}", code=answered.smtp_code) from None
            except (smtplib.SMTPException, OSError) as error:
                why = str(getattr(error, "strerror", None) or type(error).__name__).lower()
                raise Broken(f"no delivery at {self._address.host}:{self._address.port}: {why}") from None
            return Heard(True, "taken", 250)

        asked = Asked("DELIVER", self._address.url(), {"to": to, "subject": subject}, look=False)
        return self._dialogue.ask(asked, attempt)
