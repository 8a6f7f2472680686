// An S3 server on a loopback port: `node serve.js DIRECTORY BUCKET`, with the keys of S3_KEY and S3_SECRET. Prints its port.
"use strict";

const S3rver = require("s3rver");
const Account = require("s3rver/lib/models/account");

const [directory, bucket] = process.argv.slice(2);
Account.DUMMY_ACCOUNT.createKeyPair(process.env.S3_KEY, process.env.S3_SECRET);
Account.DUMMY_ACCOUNT.revokeAccessKey("S3RVER");
const server = new S3rver({
  address: "127.0.0.1", port: 0, silent: true, directory, allowMismatchedSignatures: false, configureBuckets: [{ name: bucket }],
});
server.run().then((where) => console.log(where.port));
