import { InvalidModelNameError } from '../errors.js';

/**
 * huggingface_hub 1.1, _validators.py: letters, digits, `-`, `_`, `.`; 96 characters; no `--`, no `..`. Models of the
 * first days have no owner.
 */
const PART = /^(?!.*(?:--|\.\.))[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/;
/** git-check-ref-format(1), without what no branch on a hub has. */
const REVISION = /^(?!.*\.\.)(?![./-])[A-Za-z0-9._/+@-]{1,200}(?<![./])$/;

/** `OWNER/NAME` as it was given. @throws InvalidModelNameError. */
export function checkModelId(id: string): string {
  const parts = id.split('/');
  if (parts.length > 2 || !parts.every((part) => PART.test(part)))
    throw new InvalidModelNameError(id, 'a model id: OWNER/NAME of letters, digits, "-", "_" and "."');
  return id;
}

/** Branch, tag, `refs/pr/1` or commit. @throws InvalidModelNameError. */
export function checkRevision(revision: string): string {
  if (!REVISION.test(revision)) throw new InvalidModelNameError(revision, 'a revision: a branch, a tag or a commit');
  return revision;
}

/** The part after the owner: a folder's name. */
export function lastPart(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}
