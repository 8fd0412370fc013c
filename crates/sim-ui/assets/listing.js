// Lists of things as tables that keep their place while they are refreshed.

import { html } from "/assets/vendor/htm-preact.js";

/** A point in time as people here read it; today's without the date. */
export function moment(text) {
  if (!text) return "";
  const at = new Date(text);
  const today = at.toDateString() === new Date().toDateString();
  const { lang } = document.documentElement;
  return today ? at.toLocaleTimeString(lang) : at.toLocaleString(lang);
}

/** A table in a region that scrolls by itself; the first cell of each row is its key. */
export function Table({ label, columns, rows, t }) {
  return html`
    <div class="scroll bounded" tabindex="0" role="region" aria-label=${label}>
      <table>
        <thead><tr>${columns.map((it) => html`<th scope="col">${it}</th>`)}</tr></thead>
        <tbody>
          ${rows.map(([key, ...cells]) => html`
            <tr key=${key}>${cells.map((it) => html`<td>${it}</td>`)}</tr>`)}
          ${rows.length === 0 && html`<tr key="none"><td colspan=${columns.length}>${t("monNone")}</td></tr>`}
        </tbody>
      </table>
    </div>`;
}

/** A heading with a table; folded lists show how many there are and open on request. */
export function Listing({ title, total, folded, columns, rows, t }) {
  const shown = rows.length < total ? t("monFirst", rows.length, total) : total;
  const table = html`<${Table} label=${title} ...${{ columns, rows, t }} />`;
  if (!folded) return html`<h2>${title} <span class="count">${shown}</span></h2>${table}`;
  return html`
    <h2>${title} <span class="count">${shown}</span></h2>
    <details><summary>${t("monShow")}<span class="hidden"> ${title}</span></summary>${table}</details>`;
}
