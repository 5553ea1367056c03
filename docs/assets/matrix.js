// The matrix: a filter, and the failure block in a dialog. Without this script every mark is a link to the client's page.
(() => {
  const table = document.getElementById("matrix");
  if (!table) return;

  const form = document.getElementById("matrix-filter");
  const rows = [...table.tBodies[0].rows];
  const shown = form.querySelector("output");

  const filter = () => {
    const { profile, level, kind, text, differ } = form.elements;
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let left = 0;
    for (const row of rows) {
      const { dataset } = row;
      row.hidden = !(
        (!profile.value || dataset.profile === profile.value) &&
        (!level.value || dataset.level === level.value) &&
        (!kind.value || dataset.kinds.split(" ").includes(kind.value)) &&
        (!differ.checked || dataset.differ === "1") &&
        words.every((word) => dataset.text.includes(word))
      );
      left += row.hidden ? 0 : 1;
    }
    table.dataset.kind = kind.value;
    shown.textContent = `${left} of ${rows.length} requirements`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();

  const dialog = document.getElementById("block");
  const pages = new Map();

  const page = (address) => {
    if (!pages.has(address)) {
      const found = fetch(address).then(async (answer) => {
        if (!answer.ok) throw new Error(answer.statusText);
        return new DOMParser().parseFromString(await answer.text(), "text/html");
      });
      pages.set(address, found);
    }
    return pages.get(address);
  };

  // The part of a client's page that is about one rule: its heading, and what follows up to the next.
  const section = (found, id) => {
    const elements = [];
    let element = found.getElementById(id);
    while (element && (!elements.length || element.tagName !== "H2")) {
      elements.push(element);
      element = element.nextElementSibling;
    }
    const first = (selector) =>
      elements.map((each) => (each.matches(selector) ? each : each.querySelector(selector))).find(Boolean);
    return { block: first("pre"), known: first(".known") };
  };

  const show = ({ block, known }) => {
    dialog.querySelector("code").textContent = block ? block.textContent.trimEnd() : "";
    const said = dialog.querySelector(".block-known");
    said.textContent = known ? known.textContent : "";
    const source = known?.dataset.source;
    if (source) {
      said.textContent = said.textContent.replace(/ \(source\)\s*$/, " ");
      const link = document.createElement("a");
      link.href = source;
      link.textContent = source.replace(/^https?:\/\//, "");
      said.append(link);
    }
    said.hidden = !known;
  };

  table.addEventListener("click", async (event) => {
    const link = event.target.closest("td a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const [address, id] = link.href.split("#");
    try {
      show(section(await page(address), id));
    } catch {
      location.assign(link.href);
      return;
    }
    dialog.querySelector(".block-title").textContent = link.getAttribute("aria-label");
    dialog.querySelector(".block-rule").href = link.closest("tr").querySelector("th a").href;
    dialog.querySelector(".block-page").href = link.href;
    dialog.showModal();
  });
  dialog.querySelector(".block-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  // The arrows move from one linked mark to the next.
  table.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (!cell || !steps[event.key]) return;
    const [down, right] = steps[event.key];
    const visible = rows.filter((row) => !row.hidden);
    let y = visible.indexOf(cell.parentElement);
    let x = cell.cellIndex;
    for (;;) {
      y += down;
      x += right;
      const next = visible[y]?.cells[x];
      if (!next || x < 1) return;
      const link = next.querySelector("a");
      if (link) {
        event.preventDefault();
        link.focus();
        return;
      }
    }
  });
})();
