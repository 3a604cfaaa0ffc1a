"use strict";
// A Vendure shop for the tests: SQLite in a file through sql.js, nothing that leaves this machine.
const path = require("path");
const {
  bootstrap, DefaultJobQueuePlugin, DefaultLogger, LogLevel, dummyPaymentHandler, manualFulfillmentHandler,
} = require("@vendure/core");

const [folder, port, password] = process.argv.slice(2);

bootstrap({
  apiOptions: { hostname: "127.0.0.1", port: Number(port), adminApiPath: "admin-api", shopApiPath: "shop-api" },
  authOptions: {
    tokenMethod: ["bearer", "cookie", "api-key"],
    superadminCredentials: { identifier: "superadmin", password },
  },
  dbConnectionOptions: {
    type: "sqljs", autoSave: false, location: path.join(folder, "shop.sqlite"), synchronize: true,
  },
  importExportOptions: { importAssetsDir: folder, assetUploadDir: folder },
  logger: new DefaultLogger({ level: LogLevel.Warn }),
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  shippingOptions: { fulfillmentHandlers: [manualFulfillmentHandler] },
  plugins: [DefaultJobQueuePlugin],
}).then(
  () => process.stdout.write("ready\n"),
  (error) => { process.stderr.write(`${error.stack || error}\n`); process.exit(1); },
);
