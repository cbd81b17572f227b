// Filters that live in the page's address (#?verdict=fail&system=crm), and links that always show their target.
// Without this script everything is there to read. It writes text only, never markup, and asks nobody anything.
(() => {
  "use strict";
  const box = document.getElementById("filter");
  const rows = [...document.querySelectorAll("[data-f]")];
  const KEYS = ["verdict", "outcome", "kind", "system"];
  // "verdict|outcome|kind|system" of each row; an empty part stands for any value.
  const parts = new Map(rows.map((row) => {
    const [verdict, outcome, kind, ...system] = row.dataset.f.split("|");
    return [row, { verdict, outcome, kind, system: system.join("|") }];
  }));
  const counted = rows.filter((row) => row.tagName === "TBODY");
  const whole = counted.length ? counted : rows;
  const holders = [...document.querySelectorAll("details.case, details.group")]
    .map((holder) => [holder, [...holder.querySelectorAll("[data-f]")]]);
  const words = new WeakMap();
  const controls = {};

  const make = (tag, text, attributes = {}) => {
    const made = document.createElement(tag);
    if (text) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };

  const labelled = (key, control) => {
    const label = make("label", key === "text" ? "Text" : key[0].toUpperCase() + key.slice(1));
    label.append(control);
    controls[key] = control;
    return label;
  };

  const form = make("form", "", { role: "search", "aria-label": "Filter findings" });
  for (const key of KEYS) {
    const select = make("select");
    select.append(make("option", "any", { value: "" }));
    const values = new Set([...parts.values()].map((part) => part[key]).filter(Boolean));
    for (const value of [...values].sort()) select.append(make("option", value, { value }));
    form.append(labelled(key, select));
  }
  form.append(labelled("text", make("input", "", { type: "search", autocomplete: "off" })));
  const clear = make("button", "Show all", { type: "button" });
  const status = make("p", "", { role: "status" });
  form.append(clear);
  box.append(form, status);
  box.hidden = !rows.length;

  const wanted = () => Object.entries(controls).filter(([, control]) => control.value);

  const has = (row, [key, { value }]) => {
    if (key !== "text") return !parts.get(row)[key] || parts.get(row)[key] === value;
    if (!words.has(row)) words.set(row, row.textContent.toLowerCase());
    return words.get(row).includes(value.toLowerCase());
  };

  const apply = () => {
    const asked = wanted();
    for (const row of rows) row.classList.toggle("off", !asked.every((one) => has(row, one)));
    for (const [holder, held] of holders) {
      holder.classList.toggle("off", held.length ? held.every((row) => row.classList.contains("off")) : asked.length > 0);
    }
    const shown = whole.filter((row) => !row.classList.contains("off")).length;
    status.textContent = asked.length ? `${shown} of ${whole.length} findings are shown; the rest is filtered out.` : "";
    clear.disabled = !asked.length;
  };

  const remember = () => {
    const query = new URLSearchParams(wanted().map(([key, control]) => [key, control.value]));
    history.replaceState(null, "", wanted().length ? `#?${query}` : location.pathname + location.search);
    apply();
  };

  const set = (query) => {
    for (const [key, control] of Object.entries(controls)) control.value = query.get(key) ?? "";
    apply();
  };

  const show = (target) => {
    if (target.closest(".off")) set(new URLSearchParams());
    for (let one = target; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
    target.scrollIntoView();
  };

  const follow = () => {
    if (location.hash.startsWith("#?")) return set(new URLSearchParams(location.hash.slice(2)));
    let name = location.hash.slice(1);
    try { name = decodeURIComponent(name); } catch { /* as it stands */ }
    const target = name && document.getElementById(name);
    if (target) show(target); else apply();
  };

  let timer = 0;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", remember);
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(remember, 150); });
  clear.addEventListener("click", () => { set(new URLSearchParams()); remember(); controls.verdict.focus(); });
  addEventListener("hashchange", follow);
  follow();
})();
