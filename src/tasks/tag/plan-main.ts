/** @file What runs in the processes that plan tags. */

import { serve } from "../../runtime/process/serve.ts";
import { partTask } from "./plan.ts";

serve({ plan: partTask });
