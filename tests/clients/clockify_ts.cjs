// SPDX-License-Identifier: Apache-2.0
// Copyright the airflow_provider_clockify contributors
//
// Ask Clockify through clockify-ts; see drivers.py for what comes in and goes out.
//
//     node tests/clients/clockify_ts.cjs FOLDER_OF_NODE_MODULES < description.json
"use strict";

const { createRequire } = require("module");
const fs = require("fs");

const given = JSON.parse(fs.readFileSync(0, "utf-8"));
const load = createRequire(`${process.argv[2]}/`);
const axios = load("axios").default ?? load("axios");
const headers = (key) => ({ "content-type": "application/json", "X-Api-Key": key });

// The addresses are built in.
for (const [name, base] of [["ClockifyApi", "/api/v1"], ["ReportsApi", "/report/v1"]]) {
    load(`clockify-ts/dist/cjs/Api/${name}`).default.prototype.clockifyApiInstance = (key) =>
        axios.create({ baseURL: given.url + base, headers: headers(key) });
}
const Clockify = load("clockify-ts").default;
const workspace = new Clockify(given.key).workspace.withId(given.workspace);
const ids = (rows, key = "id") => ({ ids: rows.map((row) => row[key]) });

async function ask(asked, question, answer) {
    let found;
    try {
        found = await answer();
    } catch (error) {
        found = { error: `${error.name}: ${error.message}`.slice(0, 300) };
    }
    process.stdout.write(JSON.stringify({ asked, question, ...found }) + "\n");
}

async function main() {
    for (const name of ["projects", "clients", "tags", "users"]) {
        await ask(`${name}.get()`, name, async () => ids(await workspace[name].get()));
        await ask(`${name}.get({"page-size": 1000})`, name, async () =>
            ids(await workspace[name].get({ "page-size": 1000, pageSize: 1000 })));
    }
    await ask("projects.withId(id).tasks.get()", "tasks", async () =>
        ids(await workspace.projects.withId(given.project).tasks.get()));
    await ask("users.withId(me).timeEntries.get({start, end})", "own entries", async () =>
        ids(await workspace.users.withId(given.owner).timeEntries.get({
            start: new Date(given.start), end: new Date(given.last), "page-size": 1000 })));
    await ask("reports.detailed.post()", "entries", async () =>
        ids((await workspace.reports.detailed.post({
            dateRangeStart: new Date(given.start), dateRangeEnd: new Date(given.last),
            detailedFilter: { page: 1, pageSize: 1000 } })).timeentries, "_id"));
    await ask("reports.summary.post()", "seconds", async () => ({
        number: (await workspace.reports.summary.post({
            dateRangeStart: new Date(given.start), dateRangeEnd: new Date(given.last),
            summaryFilter: { groups: ["PROJECT"] } })).totals[0].totalTime }));
    await ask("timeEntries.post()", "created entry", async () => ({
        ids: [(await workspace.timeEntries.post({
            start: new Date("2026-11-10T08:00:00Z"), end: new Date("2026-11-10T09:00:00Z"),
            description: "made" })).id] }));
    await ask("tags.post()", "created tag", async () => ({ ids: [(await workspace.tags.post({ name: "made" })).id] }));
}

main();
