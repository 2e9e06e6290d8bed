// Asks the models of docs/examples/reading the questions of reading_test.go and prints their answers as JSON.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { EntityRepository, GetItemCommand, QueryCommand } from "dynamodb-toolbox";
import { asTheyAre, models } from "./electrodb";
import { Directory } from "./sdk";
import { entities } from "./toolbox";

declare const process: { argv: string[]; exit(code: number): never }; // of @types/node, which nothing else here needs
const { table, user, gone, email, slug, org, permission } = JSON.parse(process.argv[2]);
const db = DynamoDBDocumentClient.from(new DynamoDBClient({}));

async function all<T, U>(list: AsyncIterable<T>, what: (each: T) => U): Promise<U[]> {
  const out: U[] = [];
  for await (const each of list) out.push(what(each));
  return out;
}

async function sdk() {
  const d = new Directory(table, db);
  return {
    user: (await d.user(user))?.first_name ?? null,
    gone: (await d.user(gone))?.first_name ?? null,
    byEmail: (await d.userByEmail(email))?.id ?? null,
    bySlug: (await d.organizationBySlug(slug))?.id ?? null,
    members: await all(d.members(org), (m) => `${m.user?.first_name} ${m.membership.role}`),
    memberships: await all(d.memberships(user), (m) => `${m.org_id} ${m.role}`),
    allowed: await d.authorize(user, org, permission),
    forbidden: await d.authorize(user, org, "org:none"),
    stranger: await d.authorize(gone, org, permission),
  };
}

async function electro() {
  const m = models(db, table);
  const read = { ...asTheyAre, consistent: true };
  const { data: one } = await m.user.get({ id: user }).go(read);
  const { data: other } = await m.user.get({ id: gone }).go(read);
  const { data: found } = await m.user.query.byEmail({ by_email: email }).go({ ...asTheyAre, hydrate: true });
  const { data: members } = await m.member.query
    .ofOrganization({ org_id: org })
    .where(({ deleted_at }, { notExists }) => notExists(deleted_at))
    .go({ ...read, pages: "all" });
  const { data: users } = await m.user.get(members.map(({ user_id }) => ({ id: user_id }))).go(read);
  const names = new Map(users.map((u) => [u.id, u.first_name]));
  const { data: memberships } = await m.membershipOf.query.ofUser({ user_id: user }).go({ ...read, pages: "all" });
  const { data: roles } = await m.roleKey.query.ofKey({ key: memberships[0].role! }).go(read);
  return {
    user: one?.first_name ?? null,
    gone: other && !other.deleted_at ? other.first_name : null,
    byEmail: found[0]?.id ?? null,
    members: members.map((m) => `${names.get(m.user_id)} ${m.role}`),
    memberships: memberships.map((m) => `${m.org_id} ${m.role}`),
    allowed: roles[0].permissions!.includes(permission),
  };
}

async function toolbox() {
  const m = entities(db, table);
  const { Item: one } = await m.user.build(GetItemCommand).key({ id: user }).options({ consistent: true }).send();
  const { Item: other } = await m.user.build(GetItemCommand).key({ id: gone }).options({ consistent: true }).send();
  const { Items: keys = [] } = await m.table
    .build(QueryCommand)
    .query({ index: "by_email", partition: email })
    .send();
  const { Item: found } = await m.user
    .build(GetItemCommand)
    .key({ id: String(keys[0].pk).replace("USER#", "") })
    .options({ consistent: true })
    .send();
  const { Items: members = [] } = await m.table
    .build(QueryCommand)
    .query({ partition: `ORG#${org}`, range: { beginsWith: "MEMBER#" } })
    .entities(m.member)
    .options({ consistent: true, maxPages: Infinity, filters: { membership: { attr: "deleted_at", exists: false } } })
    .send();
  const users = await Promise.all(
    members.map(({ user_id }) => m.user.build(EntityRepository).get({ id: user_id }, { consistent: true })),
  );
  const { Items: memberships = [] } = await m.table
    .build(QueryCommand)
    .query({ partition: `USER#${user}`, range: { beginsWith: "MEMBERSHIP#" } })
    .entities(m.membershipOf)
    .options({ consistent: true, maxPages: Infinity })
    .send();
  const { Items: roles = [] } = await m.table
    .build(QueryCommand)
    .query({ partition: `ROLE_KEY#${memberships[0].role}` })
    .entities(m.roleKey)
    .options({ consistent: true })
    .send();
  return {
    user: one?.first_name ?? null,
    gone: other && !other.deleted_at ? other.first_name : null,
    byEmail: found?.id ?? null,
    members: members.map((m, i) => `${users[i].Item?.first_name} ${m.role}`),
    memberships: memberships.map((m) => `${m.org_id} ${m.role}`),
    allowed: roles[0].permissions!.includes(permission),
  };
}

async function main() {
  for (const ask of [sdk, electro, toolbox]) console.log(JSON.stringify({ with: ask.name, answers: await ask() }));
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
