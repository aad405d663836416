// An S3 bucket: whole objects by key.
import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';

export class Bucket {
  readonly client: S3Client;
  readonly name: string;

  constructor(client: S3Client, name: string) {
    this.client = client;
    this.name = name;
  }

  async put(Key: string, Body: string | Uint8Array, ContentType = 'application/json'): Promise<void> {
    await this.client.send(new PutObjectCommand({ Bucket: this.name, Key, Body, ContentType }));
  }

  /** @returns undefined when there is no such object */
  async get(Key: string): Promise<Uint8Array | undefined> {
    try {
      const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.name, Key }));
      return await Body?.transformToByteArray();
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async *keys(Prefix?: string): AsyncIterable<string> {
    const pages = paginateListObjectsV2({ client: this.client }, { Bucket: this.name, Prefix });
    for await (const { Contents = [] } of pages) for (const { Key = '' } of Contents) yield Key;
  }

  async remove(Key: string, VersionId?: string): Promise<void> {
    await this.client.send(new DeleteObjectCommand({ Bucket: this.name, Key, VersionId }));
  }
}
