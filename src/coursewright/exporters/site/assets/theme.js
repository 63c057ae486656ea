// Before anything is painted: the reader's own choice of light or dark.
(() => {
  "use strict";
  try {
    const { theme } = JSON.parse(localStorage.getItem(document.documentElement.dataset.store)) || {};
    if (theme) document.documentElement.dataset.theme = theme;
  } catch { /* no storage: the system's choice */ }
})();
