// The ways to the router that the client has: transports and serializers.

import { autobahn } from "./autobahn.mjs";

const { CBORSerializer, JSONSerializer, MsgpackSerializer } = autobahn.serializer;

// Binary data in JSON is a text that begins with a zero byte. The client knows nothing of it, but
// takes functions that do.
function withBinaryAsText(key, value) {
  const raw = this[key];
  return Buffer.isBuffer(raw) ? `\0${raw.toString("base64")}` : value;
}

function withTextAsBinary(_key, value) {
  const isBinary = typeof value === "string" && value.startsWith("\0");
  return isBinary ? Buffer.from(value.slice(1), "base64") : value;
}

const SERIALIZERS = {
  json: () => new JSONSerializer(withBinaryAsText, withTextAsBinary),
  msgpack: () => new MsgpackSerializer(),
  cbor: () => new CBORSerializer(),
};

// All links, which are transports with a serializer, to these URLs. Over a RawSocket the client
// speaks JSON only, and takes no functions for binary data.
export function links(urls) {
  return urls.flatMap((url) => {
    const scheme = url.split(":")[0];
    const serializers = scheme === "ws" ? Object.keys(SERIALIZERS) : ["json"];
    return serializers.map((serializer) => {
      return { url, scheme, serializer, name: `${scheme}/${serializer}`, binary: scheme === "ws" };
    });
  });
}

// What the client needs to know to take this link.
export function transport({ url, scheme, serializer }) {
  if (scheme === "ws") {
    return { type: "websocket", url, serializers: [SERIALIZERS[serializer]()] };
  }
  if (scheme === "tcp") {
    const { hostname, port } = new URL(url);
    return { type: "rawsocket", host: hostname, port: Number(port) };
  }
  return { type: "rawsocket", path: url.slice("unix:".length) };
}
