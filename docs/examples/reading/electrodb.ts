// ElectroDB models of the Directory table's rows, which they fit unchanged. docs/reading.md explains them; test/reading
// runs them.
import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { Entity } from "electrodb";

/** Rows without ElectroDB's own attributes: each query needs this. */
export const asTheyAre = { ignoreOwnership: true } as const;

const casing = "none" as const; // else ElectroDB would read keys in lower case

export function models(client: DynamoDBDocumentClient, table: string) {
  const user = new Entity(
    {
      model: { entity: "user", version: "1", service: "clerk" },
      attributes: {
        id: { type: "string", required: true },
        email: { type: "string" },
        email_verified: { type: "boolean" },
        email_addresses: { type: "list", items: { type: "string" } },
        first_name: { type: "string" },
        last_name: { type: "string" },
        username: { type: "string" },
        external_id: { type: "string" },
        banned: { type: "boolean" },
        updated_at: { type: "number" },
        deleted_at: { type: "string" },
        by_email: { type: "string" },
      },
      indexes: {
        byId: {
          pk: { field: "pk", composite: ["id"], template: "USER#${id}", casing },
          sk: { field: "sk", composite: [], template: "USER", casing },
        },
        byEmail: { index: "by_email", pk: { field: "by_email", composite: ["by_email"], casing } },
      },
    },
    { client, table },
  );

  const membershipAttributes = {
    id: { type: "string" },
    org_id: { type: "string", required: true },
    user_id: { type: "string", required: true },
    role: { type: "string" },
    instance_id: { type: "string" },
    deleted_at: { type: "string" },
  } as const;
  const member = new Entity(
    {
      model: { entity: "membership", version: "1", service: "clerk" },
      attributes: membershipAttributes,
      indexes: {
        ofOrganization: {
          pk: { field: "pk", composite: ["org_id"], template: "ORG#${org_id}", casing },
          sk: { field: "sk", composite: ["user_id"], template: "MEMBER#${user_id}", casing },
        },
      },
    },
    { client, table },
  );
  const membershipOf = new Entity(
    {
      model: { entity: "membership_of", version: "1", service: "clerk" },
      attributes: membershipAttributes,
      indexes: {
        ofUser: {
          pk: { field: "pk", composite: ["user_id"], template: "USER#${user_id}", casing },
          sk: { field: "sk", composite: ["org_id"], template: "MEMBERSHIP#${org_id}", casing },
        },
      },
    },
    { client, table },
  );
  const roleKey = new Entity(
    {
      model: { entity: "role_key", version: "1", service: "clerk" },
      attributes: {
        id: { type: "string", required: true },
        key: { type: "string", required: true },
        permissions: { type: "list", items: { type: "string" } },
        instance_id: { type: "string" },
      },
      indexes: {
        ofKey: {
          pk: { field: "pk", composite: ["key"], template: "ROLE_KEY#${key}", casing },
          sk: { field: "sk", composite: ["id"], template: "ROLE#${id}", casing },
        },
      },
    },
    { client, table },
  );
  return { user, member, membershipOf, roleKey };
}
