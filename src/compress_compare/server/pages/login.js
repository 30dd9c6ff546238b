// A visit that began on another site brings no cookie, and a redirect would not either. Going to the same address from here
// does; the empty token makes it another address, which the server answers with the clean one. The hash stays.
if ("again" in document.currentScript.dataset) {
  const address = new URL(location.href);
  address.searchParams.set("token", "");
  location.replace(address);
} else {
  const form = document.querySelector("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void enter(form);
  });
}

// The token goes in a body: an address is kept in the browser's history and in the logs of proxies.
async function enter(form) {
  const message = form.querySelector(".message");
  message.textContent = "";
  try {
    const response = await fetch("/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token: form.elements.token.value }),
    });
    if (response.ok) {
      if (location.pathname === "/login") location.replace("/");
      else {
        const address = new URL(location.href);
        address.searchParams.delete("token");
        if (address.href === location.href) location.reload();
        else location.replace(address);
      }
      return;
    }
    const problem = await response.json();
    message.textContent = [problem.title, problem.hint].filter(Boolean).join(" ");
  } catch {
    message.textContent = "The server cannot be reached.";
  }
}
