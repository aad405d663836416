// Parses many records with one JSON.parse, in little more than half the time of one call each; or declines, and the caller parses one by one.
import { isUtf8 } from 'node:buffer';

const [OPENING_BRACE, OPENING_BRACKET, CLOSING_BRACKET, COMMA, NEWLINE] = [0x7b, 0x5b, 0x5d, 0x2c, 0x0a];

/**
 * Parses records as one JSON array, joined by a comma and a newline.
 *
 * The result is what each record gives by itself, since no value can span one of our commas. A string cannot: JSON allows no
 * newline in one. An object cannot: a name must follow its comma, and every record starts with a brace. An array cannot: no
 * record contains a bracket. So each comma separates elements of our array, each record is one or more elements, and as many
 * elements as records means one each.
 */
export class RecordJoiner {
  #bytes = Buffer.allocUnsafe(65_536);
  #end = 0;
  #records = 0;
  #mayJoin = true;

  /** Adds a record. @param base64 its bytes */
  add(base64: string): void {
    if (!this.#mayJoin) return;
    this.#reserve(base64.length + 3);
    if (this.#records > 0) this.#bytes[this.#end++] = COMMA;
    this.#bytes[this.#end++] = this.#records > 0 ? NEWLINE : OPENING_BRACKET;
    const start = this.#end;
    this.#end += this.#bytes.write(base64, start, 'base64');
    if (this.#bytes[start] !== OPENING_BRACE || this.#end === start) this.#mayJoin = false;
    this.#records += 1;
  }

  /** The values of the records added since the last call; undefined if they must be parsed one by one. */
  take(): unknown[] | undefined {
    const records = this.#records;
    const values = this.#mayJoin && records > 0 ? this.#parse() : undefined;
    this.clear();
    return values?.length === records ? values : undefined;
  }

  /** Drops the records that were added. */
  clear(): void {
    this.#end = 0;
    this.#records = 0;
    this.#mayJoin = true;
  }

  #parse(): unknown[] | undefined {
    this.#bytes[this.#end++] = CLOSING_BRACKET;
    if (!isUtf8(this.#bytes.subarray(0, this.#end))) return undefined;
    const text = this.#bytes.toString('utf8', 0, this.#end);
    if (text.includes('[', 1)) return undefined;
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }

  #reserve(bytes: number): void {
    if (this.#end + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe((this.#end + bytes) * 2);
    this.#bytes.copy(larger, 0, 0, this.#end);
    this.#bytes = larger;
  }
}
