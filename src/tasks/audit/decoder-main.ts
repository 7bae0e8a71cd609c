/** @file What runs in a process that decodes: one file after the other, by a decoder that knows only what it must. */

import { restrictDecoder } from "../../data/audit/decode.ts";
import { measureImage } from "../../data/audit/measure-image.ts";
import { thumbnailOf } from "../../data/audit/thumbnail.ts";
import { serve } from "../../runtime/process/serve.ts";

restrictDecoder();
serve({ measure: measureImage, thumbnail: thumbnailOf });
