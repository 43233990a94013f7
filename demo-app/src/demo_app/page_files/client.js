// Talks to the API of the app that served this page, and to nothing else.

const TIMEOUT_MS = 3000;

/** The app refused; the message is the app's own. */
export class RefusedError extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** The JSON at a path; RefusedError when the app refuses, another error when it does not answer. */
export async function call(path, { method = "GET", body = null, token = null } = {}) {
  const headers = { accept: "application/json" };
  if (body) headers["content-type"] = "application/json";
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(path, {
    method, headers, body: body && JSON.stringify(body), cache: "no-store", credentials: "omit",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const content = await answer.json();
  if (!answer.ok) throw new RefusedError(answer.status, String(content.detail ?? answer.status));
  return content;
}
