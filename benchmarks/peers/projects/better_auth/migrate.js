// What the command line of better-auth does for "migrate".
import { getMigrations } from "better-auth/db/migration";
import { auth } from "./auth.js";

const { runMigrations } = await getMigrations(auth.options);
await runMigrations();
await auth.options.database.end();
