import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// In development Vite passes WebSockets on to the server that `cargo run` starts; in production both have one address.
export default defineConfig({
  plugins: [svelte()],
  server: { proxy: { "/broadcasting": { target: "http://127.0.0.1:8080", ws: true } } },
});
