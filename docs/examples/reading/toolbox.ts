// dynamodb-toolbox entities of the Directory table's rows, which they fit unchanged. docs/reading.md explains them;
// test/reading runs them.
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { boolean, Entity, item, list, number, string, Table } from "dynamodb-toolbox";

export function entities(documentClient: DynamoDBDocumentClient, name: string) {
  const table = new Table({
    documentClient,
    name,
    partitionKey: { name: "pk", type: "string" },
    sortKey: { name: "sk", type: "string" },
    indexes: { by_email: { type: "global", partitionKey: { name: "by_email", type: "string" } } },
  });
  // clerksync's rows have neither toolbox's entity attribute nor its timestamps.
  const unchanged = { table, entityAttribute: false, timestamps: false } as const;

  const user = new Entity({
    ...unchanged,
    name: "user",
    schema: item({
      id: string().key(),
      email: string().optional(),
      email_verified: boolean().optional(),
      email_addresses: list(string()).optional(),
      first_name: string().optional(),
      last_name: string().optional(),
      username: string().optional(),
      external_id: string().optional(),
      banned: boolean().optional(),
      updated_at: number().optional(),
      deleted_at: string().optional(),
    }),
    computeKey: ({ id }) => ({ pk: `USER#${id}`, sk: "USER" }),
  });
  const membership = item({
    id: string().optional(),
    org_id: string().key(),
    user_id: string().key(),
    role: string().optional(),
    instance_id: string().optional(),
    deleted_at: string().optional(),
  });
  const member = new Entity({
    ...unchanged,
    name: "membership",
    schema: membership,
    computeKey: ({ org_id, user_id }) => ({ pk: `ORG#${org_id}`, sk: `MEMBER#${user_id}` }),
  });
  const membershipOf = new Entity({
    ...unchanged,
    name: "membership_of",
    schema: membership,
    computeKey: ({ org_id, user_id }) => ({ pk: `USER#${user_id}`, sk: `MEMBERSHIP#${org_id}` }),
  });
  const roleKey = new Entity({
    ...unchanged,
    name: "role_key",
    schema: item({
      id: string().key(),
      key: string().key(),
      permissions: list(string()).optional(),
      instance_id: string().optional(),
    }),
    computeKey: ({ key, id }) => ({ pk: `ROLE_KEY#${key}`, sk: `ROLE#${id}` }),
  });
  return { table, user, member, membershipOf, roleKey };
}
