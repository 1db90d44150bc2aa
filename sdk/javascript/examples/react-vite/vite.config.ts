import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // In development Vite passes WebSockets on to the server, so that both have one origin.
  server: { proxy: { "/broadcasting": { target: "ws://localhost:8080", ws: true } } },
});
