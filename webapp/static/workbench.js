"use strict";
/* The workbench beyond a plain form: the result follows the typing (htmx asks, after a pause), a field of the sample is
   put into the text, and a line of the text is gone to. Nothing of it is needed. */
(() => {
  const text = document.querySelector("[data-bench=text]");
  if (!text || !window.htmx) return;

  /* Names of fields and numbers of lines become buttons; of the fields only one is a stop of the Tab key. */
  const upgrade = () => {
    document.querySelectorAll("#bench :is([data-path], [data-line]):not(button)").forEach((word) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "word";
      button.textContent = word.textContent;
      button.translate = false;
      Object.assign(button.dataset, word.dataset);
      word.replaceWith(button);
    });
    const all = fields();
    all.forEach((one, index) => { one.tabIndex = index ? -1 : 0; });
  };
  const fields = () => [...document.querySelectorAll("[data-bench=tree] [data-path]")];

  /* Within a scope whose records are made of a list, the path begins at the list's element. */
  const begins = (button) => {
    const before = text.value.slice(0, text.selectionStart).split("\n");
    const scope = before.reverse().map((line) => /^ {2}(\w+):/.exec(line)).find((found) => found);
    const many = scope && !["order", "billing", "shipping"].includes(scope[1]);
    return many && button.dataset.item ? button.dataset.item : button.dataset.path;
  };

  const insert = (words) => {
    text.focus();
    text.setRangeText(words, text.selectionStart, text.selectionEnd, "end");
    text.dispatchEvent(new Event("input", { bubbles: true }));
  };

  const goTo = (number) => {
    const lines = text.value.split("\n");
    const start = lines.slice(0, number - 1).join("\n").length + (number > 1 ? 1 : 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[number - 1] || "").length);
    text.scrollTop = (text.scrollHeight / lines.length) * Math.max(0, number - 6);
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.word");
    if (!button) return;
    if (button.dataset.path) insert(begins(button));
    else goTo(Number(button.dataset.line));
  });

  document.addEventListener("keydown", (event) => {
    const here = event.target.closest("[data-bench=tree] button.word");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!here || !step) return;
    const seen = fields().filter((one) => one.checkVisibility());
    const next = seen[seen.indexOf(here) + step];
    if (!next) return;
    event.preventDefault();
    here.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  /* Another sample is another page; what was typed goes along. */
  document.querySelector("[data-bench=sample]").addEventListener("change", (event) => {
    event.target.form.requestSubmit(event.target.form.querySelector("button[value=check]"));
  });

  /* What could not be asked for is not what the text says: the result before it is shown as such. */
  ["htmx:responseError", "htmx:sendError"].forEach((failed) => document.addEventListener(failed, () => {
    document.querySelector("[data-bench=result]")?.classList.add("stale");
  }));

  /* Whoever does not see the result hears what it says. */
  const result = () => document.querySelector("[data-bench=result] .notice")?.textContent.trim() || "";
  let said = result();
  document.addEventListener("htmx:afterSettle", () => {
    upgrade();
    const now = result();
    if (now !== said) document.getElementById("announce").textContent = said = now;
  });

  upgrade();
})();
