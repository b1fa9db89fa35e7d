import { serve } from './serve.ts';

// A worker process of a fleet, as it is in production.

await serve();
