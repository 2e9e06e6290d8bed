// Reads the Directory table with the AWS SDK. docs/reading.md explains it; test/reading runs it.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { BatchGetCommand, DynamoDBDocumentClient, GetCommand, paginateQuery, QueryCommand } from "@aws-sdk/lib-dynamodb";

export type Row = Record<string, any>; // the attributes that README.md lists for each kind

/** The row that Clerk changed last. */
const newest = (rows: Row[]): Row | undefined => rows.sort((a, b) => (a.rev < b.rev ? 1 : -1))[0];

export class Directory {
  constructor(
    private readonly table: string,
    private readonly db = DynamoDBDocumentClient.from(new DynamoDBClient({})),
  ) {}

  /** A live row by its key. A tombstone counts as none: ask for `deleted_at` where the difference matters. */
  async live(pk: string, sk: string): Promise<Row | undefined> {
    const { Item } = await this.db.send(
      new GetCommand({ TableName: this.table, Key: { pk, sk }, ConsistentRead: true }),
    );
    return Item && !Item.deleted_at ? Item : undefined;
  }

  user(id: string) {
    return this.live(`USER#${id}`, "USER");
  }

  membership(userId: string, orgId: string) {
    return this.live(`ORG#${orgId}`, `MEMBER#${userId}`);
  }

  userByEmail(address: string) {
    const folded = address.replace(/[A-Z]/g, (c) => c.toLowerCase()); // toLowerCase alone folds other letters too
    return this.find("by_email", folded);
  }

  organizationBySlug(slug: string) {
    return this.find("by_slug", slug);
  }

  /** The index gives keys and lags behind: each row is read by its key, and counts if it has the value now. */
  async find(index: string, value: string): Promise<Row | undefined> {
    if (!value) return undefined; // DynamoDB refuses an empty key
    const { Items = [] } = await this.db.send(
      new QueryCommand({
        TableName: this.table,
        IndexName: index,
        KeyConditionExpression: "#value = :value",
        ExpressionAttributeNames: { "#value": index },
        ExpressionAttributeValues: { ":value": value },
      }),
    );
    const rows = await Promise.all(Items.map(({ pk, sk }) => this.live(pk, sk)));
    return newest(rows.filter((row): row is Row => row?.[index] === value));
  }

  /** The members of an organization, a page of 100 after the other, each with the user's own row. */
  async *members(orgId: string): AsyncGenerator<{ membership: Row; user?: Row }> {
    for await (const memberships of this.pages(`ORG#${orgId}`, "MEMBER#")) {
      const users = await this.batch(memberships.map((m) => ({ pk: `USER#${m.user_id}`, sk: "USER" })));
      for (const membership of memberships) {
        const user = users.get(`USER#${membership.user_id}`);
        yield { membership, user: user?.deleted_at ? undefined : user };
      }
    }
  }

  async *memberships(userId: string): AsyncGenerator<Row> {
    for await (const page of this.pages(`USER#${userId}`, "MEMBERSHIP#")) yield* page;
  }

  /** Whether a member's role has the permission now. The membership's own `permissions` may be out of date. */
  async authorize(userId: string, orgId: string, permission: string): Promise<boolean> {
    const membership = await this.membership(userId, orgId);
    if (!membership?.role) return false;
    const roles: Row[] = []; // of one key and instance there is one, unless its deletion is on its way
    for await (const page of this.pages(`ROLE_KEY#${membership.role}`, "ROLE#")) {
      roles.push(...page.filter((role) => role.instance_id === membership.instance_id));
    }
    if (roles.length === 0) throw new Error(`role ${membership.role} is not in the table`); // backfill --kind role
    return (newest(roles)?.permissions ?? []).includes(permission);
  }

  private async *pages(pk: string, prefix: string): AsyncGenerator<Row[]> {
    const pages = paginateQuery(
      { client: this.db, pageSize: 100 },
      {
        TableName: this.table,
        ConsistentRead: true,
        KeyConditionExpression: "pk = :pk AND begins_with(sk, :prefix)",
        FilterExpression: "attribute_not_exists(deleted_at)",
        ExpressionAttributeValues: { ":pk": pk, ":prefix": prefix },
      },
    );
    for await (const { Items = [] } of pages) if (Items.length > 0) yield Items;
  }

  private async batch(keys: { pk: string; sk: string }[]): Promise<Map<string, Row>> {
    const found = new Map<string, Row>();
    while (keys.length > 0) {
      const out = await this.db.send(
        new BatchGetCommand({ RequestItems: { [this.table]: { Keys: keys, ConsistentRead: true } } }),
      );
      for (const row of out.Responses?.[this.table] ?? []) found.set(row.pk, row);
      keys = (out.UnprocessedKeys?.[this.table]?.Keys ?? []) as typeof keys;
    }
    return found;
  }
}
