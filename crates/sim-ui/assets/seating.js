// Who plays where: newcomers by a link, people whom the leader adds, and those who move.

import { html, useEffect, useState } from "/assets/vendor/htm-preact.js";
import { ask } from "/assets/app.js";
import { Dialog, FormDialog } from "/assets/dialogs.js";
import { fault, personName } from "/assets/parts.js";

/** The link by which newcomers join, as text and as a picture. */
export function JoinLink({ model, run, onClose, t }) {
  const [code, setCode] = useState(null);
  const [said, setSaid] = useState("");
  const call = async (name, args) => {
    try {
      return await model.call("run", run.id, name, args);
    } catch (error) {
      setSaid(fault(error, t));
      return null;
    }
  };
  const show = async (renew) => setCode(await call("join_code", [renew]));
  const end = async () => {
    await call("close_joining");
    onClose();
  };
  useEffect(() => {
    show(false);
  }, []);
  return html`
    <${Dialog} title=${t("joinTitle", run.name)} onClose=${onClose}>
      <p>${t("joinShow")}</p>
      ${code && html`
        <p class="link">${location.origin}/join/${code}</p>
        <img class="qr" src="/join/${code}/qr.svg" alt=${t("joinQr")} width="240" height="240" />`}
      <p class="message bad" role="alert">${said}</p>
      <div class="choice">
        <button onClick=${onClose}>${t("close")}</button>
        <button class="quiet" onClick=${() => show(true)}>${t("joinRenew")}</button>
        <button class="quiet" onClick=${end}>${t("joinClose")}</button>
      </div>
    <//>`;
}

/** Gives a player another world or role. */
export function Move({ model, run, member, onClose, t }) {
  const send = (fields) => {
    const key = (name) => (fields.get(name) === "" ? null : Number(fields.get(name)));
    return model.call("run", run.id, "move", [member.id, key("world"), key("role")]);
  };
  const choice = (name, text, none, options, chosen) => html`
    <label>${text}
      <select name=${name}>
        <option value="">${none}</option>
        ${options.map((it) => html`<option value=${it.id} selected=${it.id === chosen}>${it.name}</option>`)}
      </select>
    </label>`;
  return html`
    <${FormDialog} title=${t("moveTo", personName(member))} verb=${t("yes")} ...${{ send, onClose, t }}>
      ${choice("world", t("world"), t("noWorldOption"), model.all("world", { run: run.id }), member.world)}
      ${choice("role", t("role"), t("noRole"), model.roles, member.role)}
    <//>`;
}

/** A list as it may look. */
const EXAMPLE = `email,first name,last name,world,role
ann@school.example,Ann,Lee,World 1,
bo@school.example,Bo,Kim,World 1,`;

/** Seats people through the service, and tells what came of it. */
async function enrol(run, body, type, onDone, t) {
  const answer = await ask("POST", `/runs/${run.id}/members`, body, type);
  if (answer.status !== 200) return answer.answer.error;
  onDone(t("enrolled", answer.answer));
  return "ok";
}

/** Adds somebody who comes late. */
export function AddPerson({ model, run, onDone, onClose, t }) {
  const send = (fields) => enrol(run, [Object.fromEntries(fields)], undefined, onDone, t);
  const worlds = model.all("world", { run: run.id });
  return html`
    <${FormDialog} title=${t("addPerson")} verb=${t("add")} ...${{ send, onClose, t }}>
      <p>${t("invitedHow")}</p>
      <label>${t("email")}<input name="email" type="email" autocomplete="off" required /></label>
      <label>${t("firstName")}<input name="first_name" autocomplete="off" /></label>
      <label>${t("lastName")}<input name="last_name" autocomplete="off" /></label>
      <label>${t("world")}
        <input name="world" list="worlds" autocomplete="off" placeholder=${t("freeSeat")} />
      </label>
      <datalist id="worlds">${worlds.map((it) => html`<option value=${it.name} />`)}</datalist>
      ${model.roles.length > 0 && html`
        <label>${t("role")}
          <select name="role">
            <option value="">${t("freeSeat")}</option>
            ${model.roles.map((it) => html`<option value=${it.name}>${it.name}</option>`)}
          </select>
        </label>`}
    <//>`;
}

/** Adds the people of a list that a spreadsheet has saved. */
export function AddList({ run, onDone, onClose, t }) {
  const send = (fields) => enrol(run, fields.get("list"), "text/csv", onDone, t);
  return html`
    <${FormDialog} title=${t("addList")} verb=${t("add")} ...${{ send, onClose, t }}>
      <p>${t("listHow")}</p>
      <pre class="example">${EXAMPLE}</pre>
      <p>${t("invitedHow")}</p>
      <label>${t("listFile")}<input name="list" type="file" accept=".csv,.txt,text/csv" required /></label>
    <//>`;
}

/** Says something to a world, or to all of a run. */
export function Notify({ model, run, world, onClose, t }) {
  const scope = world ?? run;
  const send = (fields) => model.call(scope.kind, scope.id, "notify", [fields.get("text")]);
  return html`
    <${FormDialog} title=${t("notifyTitle", scope.name)} verb=${t("send")} ...${{ send, onClose, t }}>
      <label>${t("message")}
        <textarea name="text" rows="3" maxlength="500">${scope.data.notice?.text ?? ""}</textarea>
      </label>
      <p>${t("notifyHow")}</p>
    <//>`;
}
