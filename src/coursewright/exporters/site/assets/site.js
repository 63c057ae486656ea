// What every page does: theme, menu, search, citations, progress, copying. Pages work without it; it only adds.
(() => {
  "use strict";
  const root = document.documentElement;
  const words = JSON.parse(document.body.dataset.words);
  const $ = (selector, within = document) => within.querySelector(selector);
  const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
  const say = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  const store = {
    read() {
      try { return JSON.parse(localStorage.getItem(root.dataset.store)) || {}; } catch { return {}; }
    },
    write(change) {
      try { localStorage.setItem(root.dataset.store, JSON.stringify({ ...store.read(), ...change })); } catch { /* private mode */ }
    },
  };
  // Letters as they are compared: accents and vowel signs aside, but never the voicing of kana (バ is not ハ).
  const FOLDS = { "ß": "ss", "ى": "ي", "ة": "ه", "æ": "ae", "œ": "oe" };
  const plain = (text) => text.normalize("NFKD").replace(/[\u0300-\u036f\u0640\u064b-\u065f\u0670\u200b-\u200f\u2066-\u2069]/g, "")
    .normalize("NFC").toLowerCase().replace(/[ßىةæœ]/g, (letter) => FOLDS[letter]).replace(/[’‘]/g, "'");
  // Where the first of `terms` stands in a text, as it is written there: [start, end], or null.
  function locate(text, term) {
    let folded = "";
    const places = [];
    for (let at = 0; at < text.length;) {
      const size = text.codePointAt(at) > 0xffff ? 2 : 1;
      for (const letter of plain(text.slice(at, at + size))) { folded += letter; places.push(...Array(letter.length).fill(at)); }
      at += size;
    }
    const found = folded.indexOf(term);
    return found < 0 ? null : [places[found], places[found + term.length] ?? text.length];
  }
  window.coursePlain = plain;
  window.courseStore = store;
  window.courseWords = words;
  window.courseSay = say;

  root.classList.add("has-script");
  $$(".needs-script").forEach((element) => { element.hidden = false; });

  function load(file) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `assets/${file}`;
      script.onload = resolve;
      script.onerror = reject;
      document.head.append(script);
    });
  }

  // Theme
  $(".theme-button").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    store.write({ theme: root.dataset.theme });
  });

  // Menu on a phone
  const menu = $("#menu");
  const menuButton = $(".menu-button");
  function showMenu(open) {
    menu.classList.toggle("is-open", open);
    menuButton.setAttribute("aria-expanded", String(open));
  }
  menuButton.addEventListener("click", () => {
    menu.classList.add("is-sliding"); // only now, or the menu would be seen leaving when the page opens
    showMenu(!menu.classList.contains("is-open"));
    if (menu.classList.contains("is-open")) $("a", menu).focus();
  });
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target) && !menuButton.contains(event.target)) showMenu(false);
  });
  const current = $("[aria-current]", menu);
  if (current) menu.scrollTop = Math.max(0, current.offsetTop - menu.clientHeight / 2);

  // Progress
  function showProgress() {
    const state = store.read();
    const done = new Set(state.done || []);
    $$("a[data-lesson]").forEach((link) => link.classList.toggle("is-done", done.has(link.dataset.lesson)));
    const bar = $(".progress progress");
    if (bar) {
      bar.value = done.size;
      $("#progress-text").textContent = say(words.progress, { n: done.size, total: bar.max });
      const last = state.last;
      if (last && $(`a[href="${CSS.escape(last)}"], a[data-lesson="${CSS.escape(last)}"]`)) {
        $("#start").href = last;
        $("#start").textContent = words.continue;
      }
    }
    const button = $(".done-button");
    if (button) {
      const is = done.has(button.dataset.lesson);
      button.setAttribute("aria-pressed", String(is));
      button.textContent = is ? `✓ ${words.done}` : words.mark_done;
    }
  }
  const doneButton = $(".done-button");
  if (doneButton) {
    store.write({ last: doneButton.dataset.lesson });
    doneButton.addEventListener("click", () => {
      const done = new Set(store.read().done || []);
      const lesson = doneButton.dataset.lesson;
      if (!done.delete(lesson)) done.add(lesson);
      store.write({ done: [...done] });
      showProgress();
    });
  }
  showProgress();

  // The section that is being read, beside it
  const marks = $$(".toc a").map((link) => [link, document.getElementById(decodeURIComponent(link.hash.slice(1)))]);
  if (marks.length) {
    let asked = false;
    const follow = () => {
      asked = false;
      const passed = marks.filter(([, target]) => target && target.getBoundingClientRect().top < innerHeight / 3);
      const now = (passed.at(-1) || marks[0])[0];
      marks.forEach(([link]) => link.classList.toggle("is-here", link === now));
    };
    addEventListener("scroll", () => { if (!asked) { asked = true; requestAnimationFrame(follow); } }, { passive: true });
    follow();
  }

  // Code that can be copied
  $$(".code").forEach((box) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = words.copy;
    button.addEventListener("click", async () => {
      const code = $("code", box);
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        getSelection().selectAllChildren(code);
        document.execCommand("copy");
      }
      button.textContent = words.copied;
      setTimeout(() => { button.textContent = words.copy; }, 1500);
    });
    box.append(button);
  });

  // Citations open their passage
  const dialog = $("#source");
  function marked(text, quote) {
    const at = text.indexOf(quote);
    if (at < 0) return [text];
    const mark = document.createElement("mark");
    mark.textContent = quote;
    return [text.slice(0, at), mark, text.slice(at + quote.length)];
  }
  document.addEventListener("click", async (event) => {
    const link = event.target.closest(".cite");
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    if (!window.courseSources) {
      try { await load("sources.js"); } catch { location.href = link.href; return; }
    }
    const [title, path, place, language, text] = window.courseSources[link.dataset.source];
    $(".source-path", dialog).textContent = [title, ...path].join(" › ") + (place ? ` · ${place}` : "");
    const body = $(".source-text", dialog);
    body.lang = language;
    body.replaceChildren(...marked(text, link.dataset.quote));
    $(".source-link", dialog).href = link.href;
    dialog.showModal();
    const mark = $("mark", body);
    body.scrollTop = mark ? Math.max(0, mark.offsetTop - body.offsetTop - 60) : 0;
  });

  // Search
  const search = $("#search");
  const input = $("input", search);
  const list = $(".search-results", search);
  let index = null;
  async function openSearch() {
    if (!search.open) search.showModal();
    input.select();
    if (!index) {
      await load("search.js");
      index = window.courseSearch.map((entry) => ({ entry, title: plain(`${entry[2]} ${entry[3]}`), text: plain(entry[4]) }));
      find();
    }
  }
  function find() {
    const terms = plain(input.value).split(/\s+/).filter(Boolean);
    list.replaceChildren();
    $(".search-count", search).textContent = "";
    if (!index || !terms.length) return;
    const hits = [];
    for (const item of index) {
      let score = 0;
      for (const term of terms) {
        const inTitle = item.title.includes(term);
        const inText = item.text.split(term).length - 1;
        if (!inTitle && !inText) { score = 0; break; }
        score += (inTitle ? 10 : 0) + Math.min(inText, 5);
      }
      if (score) hits.push({ score, item });
    }
    hits.sort((a, b) => b.score - a.score);
    $(".search-count", search).textContent = hits.length ? say(words.results, { n: hits.length }) : words.no_results;
    list.append(...hits.slice(0, 20).map(({ item }) => result(item, terms)));
  }
  function result({ entry: [file, anchor, lesson, section, text] }, terms) {
    const place = locate(text, terms[0]);
    const from = Math.max(0, (place ? place[0] : 0) - 60);
    const start = from && from + 1 + Math.max(text.slice(from, from + 40).search(/\s/), -1); // at the start of a word
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${file}#${encodeURIComponent(anchor)}`;
    const small = document.createElement("small");
    small.textContent = lesson;
    const strong = document.createElement("strong");
    strong.textContent = section;
    const snippet = document.createElement("span");
    const cut = text.slice(start, start + 170);
    const shown = start + 170 < text.length ? cut.replace(/\s\S{0,30}$/, "") : cut;
    snippet.append(start ? "… " : "", ...(place ? marked(shown, text.slice(...place)) : [shown]), start + 170 < text.length ? " …" : "");
    link.append(small, strong, document.createElement("br"), snippet);
    link.addEventListener("click", () => search.close());
    item.append(link);
    return item;
  }
  $(".search-button").addEventListener("click", openSearch);
  input.addEventListener("input", find);
  search.addEventListener("keydown", (event) => {
    const links = $$("a", list);
    const at = links.indexOf(document.activeElement);
    if (event.key === "Escape") { event.preventDefault(); search.close(); } // a search field would only empty itself
    if (event.key === "ArrowDown" && links.length) { event.preventDefault(); links[Math.min(at + 1, links.length - 1)].focus(); }
    if (event.key === "ArrowUp" && links.length) { event.preventDefault(); (at > 0 ? links[at - 1] : input).focus(); }
    if (event.key === "Enter" && event.target === input) { event.preventDefault(); if (links.length) links[0].click(); }
  });
  [search, dialog].forEach((each) => each.addEventListener("click", (event) => { if (event.target === each) each.close(); }));

  // Keys: / searches, arrows turn pages, Escape closes the menu
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea, select, [role=region], pre, dialog") || event.altKey || event.ctrlKey || event.metaKey) return;
    const rtl = root.dir === "rtl";
    if (event.key === "/") { event.preventDefault(); openSearch(); }
    if (event.key === "Escape") { if (menu.classList.contains("is-open")) menuButton.focus(); showMenu(false); }
    if (event.key === (rtl ? "ArrowRight" : "ArrowLeft")) $('[rel="prev"]')?.click();
    if (event.key === (rtl ? "ArrowLeft" : "ArrowRight")) $('[rel="next"]')?.click();
  });
})();
