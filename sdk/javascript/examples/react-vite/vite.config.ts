import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  // In development the server of rooms is another one; behind the same name there is no question of origins.
  server: { proxy: { "/broadcasting": { target: "ws://localhost:8080", ws: true } } },
});
