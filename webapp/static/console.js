"use strict";
/* What the console does beyond plain pages: parts marked data-live are loaded anew every 10 seconds. Nothing needs it. */
(() => {
  const PERIOD_MS = 10000;
  const toggle = document.getElementById("live");
  const announce = document.getElementById("announce");

  /* Where the navigation and the tabs are strips, what is shown may lie outside of them. */
  document.querySelectorAll(":is(.side, .tabs) [aria-current]")
    .forEach((here) => here.scrollIntoView({ block: "nearest", inline: "center" }));

  const parts = () => [...document.querySelectorAll("[data-live]")];
  if (!toggle || !parts().length || !window.htmx) return;

  let running = sessionStorage.getItem("live") !== "off";
  let timer = 0;

  const show = () => {
    toggle.hidden = false;
    toggle.textContent = running ? toggle.dataset.on : toggle.dataset.off;
    toggle.title = toggle.dataset.hint;
    toggle.setAttribute("aria-pressed", String(running));
  };

  /* A part in which somebody types, chooses or selects text is left alone until the next time. */
  const busy = (part) => {
    const active = document.activeElement;
    const typing = part.contains(active) && active.matches("input, textarea, select");
    const selection = document.getSelection();
    const selecting = selection && !selection.isCollapsed && part.contains(selection.anchorNode);
    return typing || selecting || part.querySelector("form[data-typed]") !== null;
  };

  const tick = () => {
    if (!running || document.hidden) return;
    parts().filter((part) => !busy(part)).forEach((part) => window.htmx.trigger(part, "live"));
  };

  const start = () => {
    window.clearInterval(timer);
    timer = running ? window.setInterval(tick, PERIOD_MS) : 0;
    show();
  };

  toggle.addEventListener("click", () => {
    running = !running;
    sessionStorage.setItem("live", running ? "on" : "off");
    start();
    if (running) tick();
  });

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.closest("[data-live]")) form.dataset.typed = "";
  });

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.matches("[data-live]")) event.detail.headers["X-Live"] = "1";
  });

  /* Focus, and what was opened, outlive the swap. htmx keeps the focus of what has an id; this is for the rest. */
  const focusable = (part) => [...part.querySelectorAll("a[href], button, summary, pre[tabindex]")];
  const name = (element) => [element.tagName, element.getAttribute("href"), element.textContent.trim()].join("|");
  let before = null;

  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.target.closest("[data-live]");
    if (!part) return;
    const active = part.contains(document.activeElement) ? document.activeElement : null;
    before = {
      id: part.id,
      said: part.dataset.announce,
      focus: active && name(active),
      open: [...part.querySelectorAll("details[id][open]")].map((details) => details.id),
    };
  });

  document.addEventListener("htmx:afterSettle", () => {
    const part = before && document.getElementById(before.id);
    if (!part) return;
    before.open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    if (before.focus && !part.contains(document.activeElement)) {
      focusable(part).find((element) => name(element) === before.focus)?.focus({ preventScroll: true });
    }
    if (part.dataset.announce && part.dataset.announce !== before.said) announce.textContent = part.dataset.announce;
    before = null;
  });

  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status !== 401) return;
    running = false;
    start();
    toggle.textContent = toggle.dataset.off;
    announce.classList.remove("sr");
    announce.classList.add("notice", "warn", "floating");
    announce.textContent = toggle.dataset.gone;
  });

  start();
})();
