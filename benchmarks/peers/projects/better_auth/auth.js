// better-auth as its documentation sets it up for phone numbers, on PostgreSQL.
import { openSync, writeSync } from "node:fs";
import { betterAuth } from "better-auth";
import { phoneNumber } from "better-auth/plugins";
import pg from "pg";

const outbox = openSync(process.env.OUTBOX, "a", 0o600); // in place of a provider of SMS

export const auth = betterAuth({
  baseURL: `http://127.0.0.1:${process.env.PORT}`,
  secret: "Zq7vK2mX9tB4wR8nL1cY6hD3sF5jG0pA", // a benchmark on one machine has none
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL }),
  emailAndPassword: { enabled: false },
  rateLimit: {
    storage: "database", // one count for all processes
    customRules: { "/phone-number/*": { window: 60, max: 1_000_000 } }, // for one address
  },
  plugins: [
    phoneNumber({
      sendOTP: ({ phoneNumber, code }) => {
        writeSync(outbox, `${phoneNumber} ${code}\n`);
      },
      signUpOnVerification: {
        getTempEmail: (phoneNumber) => `${phoneNumber}@phones.example`,
        getTempName: (phoneNumber) => phoneNumber,
      },
    }),
  ],
});
