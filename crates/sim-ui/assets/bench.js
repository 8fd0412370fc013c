// All seats of a world side by side, for whoever writes a game.

import { html } from "/assets/vendor/htm-preact.js";

export function Page({ session, t }) {
  if (!session.user.staff) return html`<p class="card">${t("staffOnly")}</p>`;
  return html`<article class="card wide"><h1>${t("bench")}</h1></article>`;
}
