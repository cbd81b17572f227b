"""The wire to AWS: whole lists or unknown, a sentence for each error, one code for "there is none", no secrets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from harness.wire.auth import Auth
from harness.wire.aws_clients import keys_of
from harness.wire.aws_errors import NO_ENTITY, NO_USER
from harness.wire.call import Unknown
from tests.wire.aws_server import PAGE, SECRET, Told, asking, js, more, refusal, users, xml

USERS = ("iam", "ListUsers", "Users", ("UserId",))


def unknown(*answers: Told, marked: bool = True) -> Unknown:
    with asking(*answers, marked=marked) as (aws, _, _), pytest.raises(Unknown) as told:
        aws.all(*USERS)
    return told.value


# --- lists ----------------------------------------------------------------------------------------


def test_a_list_is_read_to_its_own_end() -> None:
    with asking(users("a", "b", end=more("x")), users("c", end=more("y")), users()) as (aws, server, bench):
        told = aws.all(*USERS)
    assert [user["UserName"] for user in told.value or ()] == ["a", "b", "c"]
    assert [asked.get("Marker") for asked in server.asked] == [None, "x", "y"]
    assert len(told.evidence) == len(bench.exchanges.kept) == 3
    assert 0 < told.sent <= told.answered


def test_the_lists_of_identity_center_end_where_no_token_is_told() -> None:
    pages = (js(Groups=[{"GroupId": "g1"}], NextToken="n"), js(Groups=[]))
    with asking(*pages) as (aws, server, _):
        told = aws.all("identitystore", "ListGroups", "Groups", ("GroupId",), {"IdentityStoreId": "d-1234567890"})
    assert told.value == ({"GroupId": "g1"},)
    assert [asked.get("NextToken") for asked in server.asked] == [None, "n"]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([users("a", end="")], "does not say `IsTruncated`"),
        ([users("a", end="<IsTruncated>true</IsTruncated>")], "a `Marker` is not there"),
        ([users("a", end="<IsTruncated>false</IsTruncated><Marker>x</Marker>")], "a `Marker` is there"),
        ([users("a", end=more("x")), users("b", end=more("x")), users("c", end=more("x"))], "the pages loop"),
        ([users("a", end=more("x")), users("a")], "an item came twice"),
        ([users("a", end=more("x")), refusal("AccessDenied", 403)], "denied"),
        ([xml("ListUsers", "<IsTruncated>false</IsTruncated>")], "no list `Users`"),
        ([xml("ListUsers", "<Users>none</Users><IsTruncated>false</IsTruncated>")], "is no list"),
        ([xml("ListUsers", "<Users><member/></Users><IsTruncated>false</IsTruncated>")], "has no UserId"),
        ([xml("ListGroups", "<Groups/><IsTruncated>false</IsTruncated>")], "has no `ListUsersResult`"),
        ([(200, "text/xml", users("a")[2][:-30])], "breaks off"),
        ([(200, "text/xml", b"")], "is no XML"),
        ([(200, "text/html", PAGE)], "not in the form of this API"),
        ([(302, "text/html", b"")], "302"),
        ([(204, "text/xml", b"")], "204"),
    ],
)
def test_anything_less_than_the_whole_is_unknown(answers: list[Told], why: str) -> None:
    told = unknown(*answers)
    assert why in told.reason
    assert told.evidence


def test_an_emulator_may_be_silent_about_the_end() -> None:
    with asking(users("a", end=""), marked=False) as (aws, _, _):
        assert len(aws.all(*USERS).value or ()) == 1
    assert "pages loop" in unknown(users("a", end=more("x")), users("b", end=more("x")), marked=False).reason


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (js(), "no list `Groups`"),
        (js(Groups="none"), "is no list"),
        (js(Groups=[{"GroupId": 7}]), "has no GroupId"),
        (js(Groups=["g"]), "is no structure"),
        (js(Groups=[{"DisplayName": "x"}]), "has no GroupId"),
        (js(Groups=[], NextToken=""), "`NextToken` is no text"),
        ((200, "application/x-amz-json-1.1", b'{"Groups": [{"Gr'), "breaks off"),
        ((200, "text/html", PAGE), "no JSON"),
    ],
)
def test_json_that_is_not_the_list_is_unknown(answer: Told, why: str) -> None:
    with asking(answer) as (aws, _, _), pytest.raises(Unknown) as told:
        aws.all("identitystore", "ListGroups", "Groups", ("GroupId",), {"IdentityStoreId": "d-1234567890"})
    assert why in told.value.reason


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "why", "tries"),
    [
        (refusal("AccessDenied", 403), "denied", 1),
        (refusal("ExpiredToken", 403), "has expired", 1),
        (refusal("InvalidClientTokenId", 403), "not known or not active", 1),
        (refusal("SignatureDoesNotMatch", 403), "signature was refused", 1),
        (refusal("NoSuchEntity", 404), "NoSuchEntity", 1),
        (refusal("SomethingNew", 400), "SomethingNew", 1),
        (refusal("Throttling", 400), "throttled", 3),
        (refusal("ServiceFailure", 500), "the server failed", 3),
        ((503, "text/html", PAGE), "(503) is not in the form", 3),
        ((403, "text/html", PAGE), "(403) is not in the form", 1),
    ],
)
def test_an_error_is_unknown_with_a_sentence_of_its_own(answer: Told, why: str, tries: int) -> None:
    with asking(answer) as (aws, server, bench), pytest.raises(Unknown) as told:
        aws.ask("iam", "GetUser", {"UserName": "a"})
    assert why in told.value.reason
    assert len(server.asked) == len(bench.exchanges.kept) == len(told.value.evidence) == tries


def test_a_throttled_question_is_asked_again() -> None:
    with asking(refusal("Throttling"), users("a")) as (aws, server, _):
        assert len(aws.all(*USERS).value or ()) == 1
    assert len(server.asked) == 2


def test_a_change_is_never_sent_twice_and_is_in_doubt_where_the_server_failed() -> None:
    for answer, doubt in ((refusal("ServiceFailure", 500), True), (refusal("Throttling"), False)):
        with asking(answer) as (aws, server, _), pytest.raises(Unknown) as told:
            aws.ask("iam", "DeleteUser", {"UserName": "a"}, look=False)
        assert (len(server.asked), told.value.in_doubt) == (1, doubt)


def test_no_answer_in_time_is_unknown() -> None:
    with asking(users(), timeout_s=0.2) as (aws, server, _):
        server.hangs = True
        with pytest.raises(Unknown) as told:
            aws.ask("iam", "ListUsers")
    assert "no answer" in told.value.reason


# --- "there is none" ------------------------------------------------------------------------------


def test_there_is_none_only_by_the_code_that_was_declared() -> None:
    with asking(refusal("NoSuchEntity", 404)) as (aws, _, _):
        assert aws.ask("iam", "GetUser", {"UserName": "a"}, gone=NO_ENTITY).value is None
    for code in ("AccessDenied", "NoSuchEntityOther", "ValidationError"):
        with asking(refusal(code, 404)) as (aws, _, _), pytest.raises(Unknown):
            aws.ask("iam", "GetUser", {"UserName": "a"}, gone=NO_ENTITY)


@pytest.mark.parametrize(
    ("fields", "gone"),
    [
        ({"ResourceType": "USER"}, True),
        ({"ResourceType": "IDENTITY_STORE"}, False),
        ({}, False),
        ({"ResourceType": "USER", "Reason": "KMS_KEY_DISABLED"}, False),
    ],
)
def test_a_store_that_is_not_found_says_nothing_of_a_user(fields: dict[str, Any], gone: bool) -> None:
    params = {"IdentityStoreId": "d-1234567890", "UserId": "12345678-1234-1234-1234-123456789012"}
    answer = js(400, __type="ResourceNotFoundException", Message="no", **fields)
    with asking(answer) as (aws, _, _):
        if gone:
            assert aws.ask("identitystore", "DescribeUser", params, gone=NO_USER).value is None
        else:
            with pytest.raises(Unknown):
                aws.ask("identitystore", "DescribeUser", params, gone=NO_USER)


# --- secrets and the machine ----------------------------------------------------------------------


def test_evidence_holds_no_secret() -> None:
    fields = "<SerialNumber>s</SerialNumber><Base32StringSeed>c2VlZA==</Base32StringSeed>"
    made = f"<VirtualMFADevice>{fields}</VirtualMFADevice>"
    with asking(xml("CreateVirtualMFADevice", made)) as (aws, _, bench):
        aws.ask(
            "iam", "CreateVirtualMFADevice", {"VirtualMFADeviceName": "phone"}, unseen={"Path": "/hush/"}, look=False
        )
        told = bench.evidence()
    assert "phone" in told
    assert not [word for word in (SECRET, "hush", "c2VlZA", "seed", "Authorization") if word in told]


def test_a_private_answer_is_not_kept() -> None:
    made = "<AccessKey><AccessKeyId>AKIA1</AccessKeyId><SecretAccessKey>open-sesame</SecretAccessKey></AccessKey>"
    with asking(xml("CreateAccessKey", made)) as (aws, _, bench):
        aws.ask("iam", "CreateAccessKey", {"UserName": "a"}, look=False, private=True)
        assert bench.exchanges.kept[0]["response"]["body"] is None
        assert "open-sesame" not in bench.evidence()


def test_nothing_of_the_machine_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile theirs]\nregion = eu-west-1\nmax_attempts = 7\n")
    foreign = {"AWS_PROFILE": "nobody", "AWS_CONFIG_FILE": str(config), "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    for name, value in {**foreign, "AWS_ACCESS_KEY_ID": "AKIATHEIRS", "AWS_SESSION_TOKEN": "theirs"}.items():
        monkeypatch.setitem(os.environ, name, value)
    with asking(users("a")) as (aws, server, _):
        aws.all(*USERS)
    assert len(server.asked) == 1


def test_a_key_pair_is_the_only_way_to_sign() -> None:
    auth = Auth.model_validate({"none": True})
    with pytest.raises(ValueError, match="access key"):
        keys_of(auth, "reader")
