// Asks for the token once, and keeps it while the tab is open.

const KEY = "demo-app-token";
const dialog = document.getElementById("token-dialog");
const form = document.getElementById("token-form");
const input = document.getElementById("token-input");
const problem = document.getElementById("token-problem");

/** The token that was given, or null. */
export function known() {
  return sessionStorage.getItem(KEY);
}

/** Forget the token. */
export function forget() {
  sessionStorage.removeItem(KEY);
}

/** Ask for the token, saying what was wrong with the last one; true when one was given. */
export function ask(trouble = "") {
  problem.textContent = trouble;
  problem.hidden = !trouble;
  input.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const given = dialog.returnValue === "given";
      if (given) sessionStorage.setItem(KEY, input.value.trim());
      input.value = "";
      resolve(given);
    }, { once: true });
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  dialog.close("given");
});
document.getElementById("token-cancel").addEventListener("click", () => dialog.close(""));
