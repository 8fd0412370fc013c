// The page: who is here, in which language, and what they see.

import { html, render, useEffect, useRef, useState } from "/assets/vendor/htm-preact.js";
import { LANGUAGES, language, translator } from "/assets/words.js";

/** Asks our own service; gives the answer's status and what it says. A body of another type than
 * JSON is sent as it stands. */
export async function ask(method, path, body, type = "application/json") {
  const response = await fetch(path, {
    method,
    headers: body && { "content-type": type },
    body: body && type === "application/json" ? JSON.stringify(body) : body,
  });
  const answer = response.status === 204 ? null : await response.json();
  return { status: response.status, answer };
}

/** What a form does: its request, and then `onDone`, or what was said about it. */
function useRequest(t, onDone) {
  const [message, setMessage] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async (path, body) => {
    setBusy(true);
    try {
      const { status, answer } = await ask("POST", path, body);
      if (status === 204) return await onDone();
      setMessage(answer.error);
    } catch {
      setMessage(t("offline"));
    } finally {
      setBusy(false);
    }
  };
  return { busy, send, said: html`<p class="message bad" role="alert">${message}</p>` };
}

function SignIn({ t, onDone }) {
  const { busy, send, said } = useRequest(t, onDone);
  const login = useRef(null);
  useEffect(() => login.current.focus(), []);
  const submit = (event) => {
    event.preventDefault();
    send("/session", Object.fromEntries(new FormData(event.target)));
  };
  return html`
    <form class="card narrow" onSubmit=${submit}>
      <h1>${t("signIn")}</h1>
      <label>${t("email")}
        <input ref=${login} name="login" type="email" autocomplete="username" required />
      </label>
      <label>${t("password")}
        <input name="password" type="password" autocomplete="current-password" required />
      </label>
      <button disabled=${busy}>${t("signIn")}</button>
      ${said}
    </form>`;
}

/** A join link was opened: whoever is signed in takes a seat at once, others say who they are. */
function Join({ t, join, user, onDone, onSignOut }) {
  const { busy, send, said } = useRequest(t, onDone);
  if (join.run === null) return html`<p class="card" role="alert">${t("joinUnknown")}</p>`;
  const take = (body) => send(`/join/${join.code}`, body);
  const submit = (event) => {
    event.preventDefault();
    take(Object.fromEntries(new FormData(event.target)));
  };
  if (user) {
    return html`
      <section class="card narrow">
        <h1>${t("joinTitle", join.run)}</h1>
        <div class="choice">
          <button disabled=${busy} onClick=${() => take()}>${t("joinAs", user.email)}</button>
          <button class="quiet" onClick=${onSignOut}>${t("signOut")}</button>
        </div>
        ${said}
      </section>`;
  }
  return html`
    <form class="card narrow" onSubmit=${submit}>
      <h1>${t("joinTitle", join.run)}</h1>
      <p>${t("joinHow")}</p>
      <label>${t("firstName")}<input name="first_name" autocomplete="given-name" required /></label>
      <label>${t("lastName")}<input name="last_name" autocomplete="family-name" /></label>
      <label>${t("email")}<input name="login" type="email" autocomplete="username" required /></label>
      <label>${t("password")}
        <input name="password" type="password" autocomplete="new-password" required />
      </label>
      <button disabled=${busy}>${t("join")}</button>
      ${said}
    </form>`;
}

// The modules that show what lies behind the sign-in, by the page's path. Each exports a `Page`.
const PAGES = { "/": "play", "/monitor": "monitor", "/bench": "bench" };

function Header({ t, lang, setLang, user, offline, onSignOut }) {
  const name = user && (`${user.first_name} ${user.last_name}`.trim() || user.email);
  return html`
    <header>
      <p class="brand">${t("title")}</p>
      ${user?.staff && html`
        <nav>${Object.entries(PAGES).map(([path, page]) => html`
          <a href=${path} aria-current=${path === location.pathname ? "page" : null}>${t(page)}</a>`)}</nav>`}
      <p class="offline" role="status">${offline ? t("offline") : ""}</p>
      <label class="inline">
        <span class="hidden">${t("language")}</span>
        <select value=${lang} onChange=${(event) => setLang(event.target.value)}>
          ${Object.entries(LANGUAGES).map(([code, text]) => html`<option value=${code}>${text}</option>`)}
        </select>
      </label>
      ${user && html`
        <p class="user">${t("signedInAs", name)}</p>
        <button class="quiet" onClick=${onSignOut}>${t("signOut")}</button>`}
    </header>`;
}

function App({ begun }) {
  const [session, setSession] = useState(begun.session);
  const [join, setJoin] = useState(begun.join);
  const [lang, setLang] = useState(language());
  const [offline, setOffline] = useState(false);
  const [Page, setPage] = useState(null);
  const [otherTabs] = useState(() => new BroadcastChannel("session"));
  const t = translator(lang);
  useEffect(() => {
    document.documentElement.lang = lang;
    document.title = t("title");
    localStorage.setItem("language", lang);
  }, [lang]);
  useEffect(() => {
    if (session && !Page) {
      const name = PAGES[location.pathname] ?? "play";
      import(`/assets/${name}.js`).then((module) => setPage(() => module.Page));
    }
  }, [session]);
  useEffect(() => {
    // What happens in one tab is true for all tabs of the browser.
    otherTabs.onmessage = signedOut;
    return () => otherTabs.close();
  }, []);
  const signedIn = async () => setSession((await ask("GET", "/session")).answer);
  const signedOut = () => {
    setOffline(false);
    setSession(null);
  };
  const joined = async () => {
    history.replaceState(null, "", "/");
    // A page that is open already has to learn of the new seat.
    setSession(null);
    await signedIn();
    setJoin(null);
  };
  const signOut = async () => {
    await ask("DELETE", "/session");
    otherTabs.postMessage("signed out");
    signedOut();
  };
  return html`
    <${Header} ...${{ t, lang, setLang, offline }} user=${session?.user} onSignOut=${signOut} />
    <main>
      ${join ? html`<${Join} ...${{ t, join }} user=${session?.user} onDone=${joined} onSignOut=${signOut} />`
        : !session ? html`<${SignIn} t=${t} onDone=${signedIn} />`
        : Page ? html`<${Page} key=${session.user.id} ...${{ session, t, lang, setOffline, offline, signedOut }} />`
        : html`<p>${t("loading")}</p>`}
    </main>`;
}

const begun = JSON.parse(document.getElementById("session").textContent);
render(html`<${App} begun=${begun} />`, document.getElementById("app"));
