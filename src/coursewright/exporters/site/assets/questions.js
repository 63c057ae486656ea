// Questions that answer back, and the script that can be heard.
(() => {
  "use strict";
  const words = window.courseWords;
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);
  const plain = (text) => window.coursePlain(text).trim().replace(/\s+/g, " ").replace(/[.。]$/, "");

  // Each returns {given, parts: [[element to colour, right?], …], right}
  const judges = {
    multiple_choice: choices,
    multiple_response: choices,
    true_false: choices,
    matching(form, key) {
      const parts = $$("select", form).map((select, i) => [select, select.value === key[i]]);
      return { given: $$("select", form).every((select) => select.value), parts, right: parts.every(([, ok]) => ok) };
    },
    ordering(form, key) {
      const items = $$(".order li", form);
      const parts = items.map((item, i) => [item, item.dataset.option === key[i]]);
      return { given: true, parts, right: parts.every(([, ok]) => ok) };
    },
    cloze(form, key) {
      const gaps = $$(".cloze input, .cloze select", form);
      const parts = gaps.map((gap, i) => [gap, (key[i] || []).some((word) => plain(word) === plain(gap.value))]);
      return { given: gaps.every((gap) => gap.value.trim()), parts, right: parts.every(([, ok]) => ok) };
    },
    short_answer(form, key) {
      const input = form.querySelector("input");
      const right = key.some((answer) => plain(answer) === plain(input.value));
      return { given: Boolean(input.value.trim()), parts: [[input, right]], right };
    },
  };
  function choices(form, key) {
    const boxes = $$("input", form);
    const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
    const parts = boxes.filter((box) => box.checked || key.includes(box.value)).map((box) => [box.closest(".choice"), key.includes(box.value)]);
    return { given: chosen.length > 0, parts, right: same([...chosen].sort(), [...key].sort()) };
  }

  const results = new Map();
  function showScore() {
    const score = document.querySelector(".score");
    const right = [...results.values()].filter(Boolean).length;
    score.textContent = window.courseSay(words.score, { n: right, total: results.size });
  }

  $$(".question form").forEach((form) => {
    const judge = judges[form.dataset.kind];
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!judge) return;
      const { given, parts, right } = judge(form, JSON.parse(form.dataset.key));
      if (!given) { (form.querySelector("input, select"))?.focus(); return; }
      $$(".is-right, .is-wrong", form).forEach((element) => element.classList.remove("is-right", "is-wrong"));
      parts.forEach(([element, ok]) => element.classList.add(ok ? "is-right" : "is-wrong"));
      const some = form.dataset.kind !== "multiple_choice" && parts.length > 1 && parts.some(([, ok]) => ok);
      const verdict = form.querySelector(".verdict");
      verdict.className = `verdict ${right ? "right" : "wrong"}`;
      verdict.textContent = right ? `✓ ${words.right}` : `✗ ${some && form.dataset.kind !== "true_false" ? words.partly : words.wrong}`;
      form.querySelector(".answer").open = true;
      results.set(form, right);
      showScore();
    });
    form.addEventListener("input", () => $$(".is-right, .is-wrong", form).forEach((element) => element.classList.remove("is-right", "is-wrong")));
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    const item = button.closest("li");
    if (button.dataset.move === "-1") item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    $$("li", item.parentElement).forEach((each) => each.classList.remove("is-right", "is-wrong"));
    button.focus();
  });

  const listen = document.querySelector(".listen");
  if (listen && "speechSynthesis" in window) {
    listen.hidden = false;
    const lines = $$(".script li");
    const quiet = () => { lines.forEach((line) => line.classList.remove("is-spoken")); listen.textContent = words.listen; };
    listen.addEventListener("click", () => {
      const speaking = speechSynthesis.speaking;
      speechSynthesis.cancel();
      quiet();
      if (speaking) return;
      listen.textContent = words.stop;
      lines.forEach((line, i) => {
        const utterance = new SpeechSynthesisUtterance(line.textContent);
        utterance.lang = document.documentElement.lang;
        utterance.onstart = () => { lines.forEach((each) => each.classList.toggle("is-spoken", each === line)); };
        if (i === lines.length - 1) utterance.onend = quiet;
        speechSynthesis.speak(utterance);
      });
    });
    addEventListener("pagehide", () => speechSynthesis.cancel());
  }
})();
