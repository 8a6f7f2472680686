// An SMTP server for tests: node serve.js '{"secure":..., "starttls":..., "methods":[...], "user":..., "pass":...}'.
// Writes its port as the first line, then a line of JSON for each message.
"use strict";
const fs = require("fs");
const { SMTPServer } = require("smtp-server");

const options = JSON.parse(process.argv[2]);
const tls = options.key ? { key: fs.readFileSync(options.key), cert: fs.readFileSync(options.cert) } : {};
const server = new SMTPServer({
  ...tls,
  secure: Boolean(options.secure),
  hideSTARTTLS: !options.starttls,
  authOptional: !options.user,
  authMethods: options.methods || ["PLAIN", "LOGIN"],
  allowInsecureAuth: true,
  disabledCommands: options.user ? [] : ["AUTH"],
  onAuth(auth, session, done) {
    const good = auth.username === options.user &&
      (auth.method === "CRAM-MD5" ? auth.validatePassword(options.pass) : auth.password === options.pass);
    done(good ? null : new Error("no such user"), good ? { user: `${auth.method} ${auth.username}` } : undefined);
  },
  onData(stream, session, done) {
    const parts = [];
    stream.on("data", (part) => parts.push(part));
    stream.on("end", () => {
      process.stdout.write(JSON.stringify({
        from: session.envelope.mailFrom.address,
        to: session.envelope.rcptTo.map((one) => one.address),
        secure: session.secure,
        user: session.user || "",
        hello: session.hostNameAppearsAs,
        text: Buffer.concat(parts).toString("utf8"),
      }) + "\n");
      done();
    });
  },
});
server.on("error", (error) => process.stderr.write(`${error}\n`));
server.listen(0, "127.0.0.1", () => process.stdout.write(`${server.server.address().port}\n`));
