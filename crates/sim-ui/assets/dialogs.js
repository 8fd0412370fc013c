// What stands before everything else until it is answered.

import { html, useEffect, useRef, useState } from "/assets/vendor/htm-preact.js";
import { fault } from "/assets/parts.js";

/** A question before everything else. */
export function Dialog({ title, onClose, children }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`
    <dialog ref=${dialog} onClose=${onClose} aria-labelledby="question">
      <h2 id="question">${title}</h2>
      ${children}
    </dialog>`;
}

/** Asks before something is done that all players notice. */
export function Confirm({ question, detail, onYes, onClose, t }) {
  return html`
    <${Dialog} title=${question} onClose=${onClose}>
      <p>${detail}</p>
      <form method="dialog" class="choice">
        <button class="quiet">${t("cancel")}</button>
        <button onClick=${onYes}>${t("yes")}</button>
      </form>
    <//>`;
}

/** A form before everything else, which closes when what it sends is accepted. */
export function FormDialog({ title, send, verb, onClose, t, children }) {
  const [said, setSaid] = useState("");
  const submit = async (event) => {
    event.preventDefault();
    try {
      const answer = await send(new FormData(event.target));
      if (answer === "ok" || typeof answer !== "string") return onClose();
      setSaid(answer);
    } catch (error) {
      setSaid(fault(error, t));
    }
  };
  return html`
    <${Dialog} title=${title} onClose=${onClose}>
      <form onSubmit=${submit}>
        ${children}
        <p class="message bad" role="alert">${said}</p>
        <div class="choice">
          <button type="button" class="quiet" onClick=${onClose}>${t("cancel")}</button>
          <button>${verb}</button>
        </div>
      </form>
    <//>`;
}
