"use strict";
/* Single keys on lists, while no field has the focus. Whatever they do, links and buttons do too. */
(() => {
  const FIELDS = "input, textarea, select, [contenteditable]";
  const rows = () => [...document.querySelectorAll("main table.list tbody tr")].filter((row) => link(row));
  const link = (row) => row.querySelector("th a, a");
  const here = () => document.activeElement?.closest("main table.list tbody tr");

  const move = (step) => {
    const all = rows();
    const at = all.indexOf(here());
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + step, 0), all.length - 1);
    if (all.length) link(all[next]).focus();
  };

  const tick = (row) => {
    const box = row?.querySelector("input[type=checkbox][form=bulk]");
    if (!box) return;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };

  /* The page that follows tells what would happen, and asks. On a page without a list the button is only pointed at. */
  const retry = () => {
    const bulk = document.getElementById("bulk");
    if (!bulk) {
      document.querySelector("[data-key=r] button, button[data-key=r]")?.focus();
      return;
    }
    if (![...bulk.elements].some((one) => one.type === "checkbox" && one.checked)) tick(here());
    if (![...bulk.elements].some((one) => one.type === "checkbox" && one.checked)) return;
    bulk.elements.action.value = "retry";
    bulk.requestSubmit(bulk.querySelector("button[value=ticked]"));
  };

  const KEYS = {
    "/": () => document.getElementById("search")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    x: () => tick(here()),
    r: retry,
    "?": () => document.getElementById("keys")?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.target.closest?.(FIELDS) || document.querySelector("dialog[open]")) return;
    if (!Object.hasOwn(KEYS, event.key)) return;
    event.preventDefault();
    KEYS[event.key]();
  });
})();
