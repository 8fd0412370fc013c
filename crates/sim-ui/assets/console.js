// Calls by hand, in the person's own session and with no other rights than the person's.

import { html, useState } from "/assets/vendor/htm-preact.js";

/** JSON of a kind, or what is wrong with it. */
function parsed(text, empty, isKind, complaint) {
  let value;
  try {
    value = JSON.parse(text.trim() || empty);
  } catch (error) {
    throw new Error(`${complaint}: ${error.message}`);
  }
  if (!isKind(value)) throw new Error(complaint);
  return value;
}

const isObject = (it) => typeof it === "object" && it !== null && !Array.isArray(it);

export function Console({ call, procedures, t }) {
  const [busy, setBusy] = useState(false);
  const [answer, setAnswer] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    const fields = new FormData(event.target);
    let args, kwargs;
    try {
      args = parsed(fields.get("args"), "[]", Array.isArray, t("monBadArgs"));
      kwargs = parsed(fields.get("kwargs"), "{}", isObject, t("monBadKwargs"));
    } catch (error) {
      return setAnswer({ bad: true, head: error.message, body: "" });
    }
    setBusy(true);
    const begun = performance.now();
    const took = () => t("monTook", (performance.now() - begun).toFixed(1));
    try {
      const value = await call(fields.get("procedure").trim(), args, kwargs);
      setAnswer({ head: `RESULT ${took()}`, body: JSON.stringify(value ?? null, null, 2) });
    } catch (error) {
      const body = error.uri === "offline" ? t("offline") : JSON.stringify(error.args ?? error.message, null, 2);
      setAnswer({ bad: true, head: `ERROR ${error.uri ?? ""} ${took()}`, body });
    } finally {
      setBusy(false);
    }
  };
  return html`
    <h2>${t("monConsole")}</h2>
    <p>${t("monConsoleHow")}</p>
    <form onSubmit=${submit}>
      <label>${t("monProcedure")}
        <input name="procedure" list="procedures" autocomplete="off" autocapitalize="none" spellcheck=${false} required />
      </label>
      <datalist id="procedures">${procedures.map((uri) => html`<option key=${uri} value=${uri} />`)}</datalist>
      <label>${t("monArgs")}<input name="args" autocomplete="off" spellcheck=${false} placeholder="[]" /></label>
      <label>${t("monKwargs")}<input name="kwargs" autocomplete="off" spellcheck=${false} placeholder="{}" /></label>
      <button disabled=${busy}>${t("monCall")}</button>
    </form>
    <div role="status">
      ${answer && html`
        <p class=${answer.bad ? "message bad" : "message"}>${answer.head}</p>
        ${answer.body && html`<pre class="answer" tabindex="0" role="region" aria-label=${t("monAnswer")}>${answer.body}</pre>`}`}
    </div>`;
}
