// A visit that began on another site brings no cookie, and a redirect would not either. Going to the same address from here
// does; the empty token makes it another address, which the server answers with the clean one. The hash stays.
const address = new URL(location.href);
address.searchParams.set("token", "");
location.replace(address);
