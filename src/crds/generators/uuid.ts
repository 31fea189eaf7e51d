// Kind UUID: a random identifier. Field reference of the compatible API: https://external-secrets.io/latest/api/generator/uuid/
import * as z from 'zod/mini';

export const uuidSpec = z.object({});
