// The client itself, as it runs on every version of Node.js.

// From version 22 on there is a WebSocket as in browsers, for which the client would leave its own.
delete globalThis.WebSocket;
// It tells on the console of every connection that ends.
console.warn = () => {};

export const { default: autobahn } = await import("autobahn");
