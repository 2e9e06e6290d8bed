// Before the page is drawn, so that it does not flash in the other theme. localStorage may be closed to us.
try {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  if (localStorage.getItem("people") === "hidden") document.documentElement.dataset.people = "hidden";
} catch { /* the system's theme it is */ }
