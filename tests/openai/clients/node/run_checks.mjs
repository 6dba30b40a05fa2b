// Runs every `check_…` of one file: `node run_checks.mjs FILE SERVER` (JSON). Writes one JSON object,
// from a check's name to what went wrong, or null.
const [file, about] = process.argv.slice(2);
console.log = console.info = console.error;
const checks = await import(file);
const outcomes = {};
for (const [name, check] of Object.entries(checks)) {
  try {
    await check(JSON.parse(about));
    outcomes[name] = null;
  } catch (error) {
    outcomes[name] = error.stack ?? String(error);
  }
}
process.stdout.write(JSON.stringify(outcomes));
