// What the operators of the service see.

import { html } from "/assets/vendor/htm-preact.js";

export function Page({ session, t }) {
  if (!session.user.staff) return html`<p class="card">${t("staffOnly")}</p>`;
  return html`<article class="card wide"><h1>${t("monitor")}</h1></article>`;
}
