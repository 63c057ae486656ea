// Asks for a course in the name of the user who is signed in: checks the request, hands it to the service with the
// user's own token (who may do what is decided there), and rings, so that a service that sleeps begins at once.
//
//   supabase secrets set WORKER_URL=https://courses.example CRON_SECRET=…
//   supabase functions deploy generate-course --no-verify-jwt    # the service checks the token
//
// In a page: await supabase.functions.invoke("generate-course", { body: { baseClassId, title } })

const ROUTE = "/api/course-generation/v2";
const TICK = "/api/cron/process-courses";
const MOST_BYTES = 256 * 1024;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const WORDS: Record<string, readonly string[]> = {
  generationMode: ["kb_only", "kb_priority", "kb_supplemented"],
  lessonDetailLevel: ["basic", "detailed", "comprehensive"],
  urgency: ["immediate", "batch"],
};
const CORS = {
  "Access-Control-Allow-Origin": "*", // the token comes in a header, never in a cookie
  "Access-Control-Allow-Methods": "POST, OPTIONS",
  "Access-Control-Allow-Headers": "authorization, x-client-info, apikey, content-type, idempotency-key",
  "Access-Control-Expose-Headers": "Location, Retry-After",
};

type Wrong = { field: string; message: string };

function problem(status: number, code: string, detail: string, hint = "", errors: Wrong[] = []): Response {
  const told = { type: `urn:coursewright:problem:${code}`, status, code, detail, hint, errors };
  return Response.json({ ...told, success: false, error: detail }, {
    status,
    headers: { ...CORS, "Content-Type": "application/problem+json" },
  });
}

/** Says what is wrong with a request, as far as that can be told without the service. */
function wrongWith(order: Record<string, unknown>): Wrong[] {
  const wrong: Wrong[] = [];
  if (typeof order.baseClassId !== "string" || !UUID.test(order.baseClassId)) {
    wrong.push({ field: "body.baseClassId", message: "It must be the id of a knowledge base." });
  }
  if (order.title != null && (typeof order.title !== "string" || order.title.length > 500)) {
    wrong.push({ field: "body.title", message: "It must be a text of 500 characters at most." });
  }
  for (const [field, words] of Object.entries(WORDS)) {
    const value = order[field];
    if (value != null && value !== "" && !(typeof value === "string" && words.includes(value))) {
      wrong.push({ field: `body.${field}`, message: `It must be one of ${words.join(", ")}.` });
    }
  }
  return wrong;
}

/** Has a tick begin. Its answer comes when the tick ends, and nobody waits for that: a lost ring costs time only. */
async function ring(service: string, secret: string): Promise<void> {
  try {
    const headers = { Authorization: `Bearer ${secret}` };
    const answer = await fetch(service + TICK, { method: "POST", headers, signal: AbortSignal.timeout(2000) });
    await answer.body?.cancel();
    if (!answer.ok) console.warn(`The tick was refused with ${answer.status}: is CRON_SECRET the service's?`);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "TimeoutError")) {
      console.warn("The bell did not ring:", error);
    }
  }
}

async function generateCourse(request: Request): Promise<Response> {
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: CORS });
  if (request.method !== "POST") return problem(405, "method_not_allowed", "Ask with POST.");
  const service = Deno.env.get("WORKER_URL")?.replace(/\/+$/, "");
  if (!service) {
    return problem(500, "configuration", "The service's address is not known.", "supabase secrets set WORKER_URL=…");
  }
  const authorization = request.headers.get("Authorization") ?? "";
  if (!/^Bearer \S+$/i.test(authorization)) {
    return problem(401, "unauthenticated", "This needs the token of a user.", "Sign in, and send it as Bearer.");
  }
  const body = await request.text();
  if (body.length > MOST_BYTES) return problem(413, "too_large", "The request's body is larger than 256 KB.");
  let order: unknown;
  try {
    order = JSON.parse(body);
  } catch {
    return problem(400, "invalid_request", "The request's body is not JSON.");
  }
  if (typeof order !== "object" || order === null || Array.isArray(order)) {
    return problem(422, "invalid_request", "The request's body must be a JSON object.");
  }
  const wrong = wrongWith(order as Record<string, unknown>);
  if (wrong.length > 0) {
    const told = wrong.map((each) => `${each.field}: ${each.message}`).join(" ");
    return problem(422, "invalid_request", `The request is not valid. ${told}`, "", wrong);
  }

  const headers = new Headers({ Authorization: authorization, "Content-Type": "application/json" });
  const key = request.headers.get("Idempotency-Key");
  if (key) headers.set("Idempotency-Key", key);
  let answer: Response;
  try {
    answer = await fetch(service + ROUTE, { method: "POST", headers, body, signal: AbortSignal.timeout(30_000) });
  } catch (error) {
    console.error("The service cannot be reached:", error);
    return problem(
      503,
      "unavailable",
      "The service cannot be reached; nothing was asked for.",
      "Try again in a minute.",
    );
  }

  const secret = Deno.env.get("CRON_SECRET");
  if (answer.status === 202 && secret) {
    const ringing = ring(service, secret);
    // On Supabase the function may answer first; elsewhere (a test, one's own machine) the process goes on anyway.
    (globalThis as { EdgeRuntime?: { waitUntil(work: Promise<void>): void } }).EdgeRuntime?.waitUntil(ringing);
  }
  const told = new Headers(CORS);
  for (const name of ["Content-Type", "Location", "Retry-After", "WWW-Authenticate"]) {
    const value = answer.headers.get(name);
    if (value) told.set(name, value);
  }
  return new Response(answer.body, { status: answer.status, headers: told });
}

Deno.serve(generateCourse);
