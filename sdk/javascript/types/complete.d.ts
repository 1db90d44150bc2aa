export { RtbError } from "./failure.js";
