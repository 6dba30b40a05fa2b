// What the server sends, as far as this page reads it; the names are the wire's.

export type Role = "system" | "user" | "assistant";
export type Status = "complete" | "interrupted" | "failed" | "pending";
export type ModelStatus = "ready" | "loading" | "failed" | "not_configured";
export type Scalar = string | number | boolean;

export interface Page<T> {
  items: T[];
  total: number;
  page: number;
  page_size: number;
  pages: number;
}

export interface ConversationSummary {
  id: string;
  title: string;
  created_at: string;
  updated_at: string;
  message_count: number;
  last_message: { role: Role; preview: string } | null;
  metadata: Record<string, string>;
}

export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  cached_tokens: number;
}

export interface Timings {
  first_token_ms: number;
  generation_ms: number;
  total_ms: number;
  tokens_per_second: number;
}

export interface Message {
  id: string;
  parent_id: string | null;
  role: Role;
  content: string;
  images: string[];
  status: Status;
  finish_reason: string | null;
  usage: Usage | null;
  timings: Timings | null;
  created_at: string;
}

export interface Conversation extends ConversationSummary {
  template: string | null;
  system: string | null;
  current_message_id: string | null;
  messages: Message[];
  message_page: number;
  message_pages: number;
}

export interface Context {
  window: number;
  prompt_tokens: number;
  dropped_messages: number;
  dropped_tokens: number;
}

export interface Start {
  id: string;
  created_at: string;
  model: string;
  context: Context;
  conversation_id: string;
  message_id: string;
  parent_id: string;
}

export interface Done extends Start {
  response: string;
  finish_reason: string;
  usage: Usage;
  timings: Timings;
  warnings: string[];
  images?: { id: string }[];
}

export interface ErrorBody {
  code: string;
  message: string;
  param?: string;
  request_id?: string;
  details?: { errors?: { field: string; reason: string }[]; [name: string]: unknown };
}

export interface Variable {
  name: string;
  description: string;
  required: boolean;
  default: Scalar | null;
  type: "string" | "number" | "boolean" | "enum";
  values: string[];
}

export interface Template {
  name: string;
  title: string;
  description: string;
  language: "ko" | "en" | "multi";
  variables: Variable[];
  tags: string[];
  builtin: boolean;
}

export interface ModelHealth {
  status: ModelStatus;
  id: string | null;
  format: string | null;
  architecture: string | null;
  quantization: string | null;
  parameters: number | null;
  languages: string[];
  context_length: number | null;
  slots: { total: number; busy: number };
  device: string | null;
  gpu_layers: number | null;
  reason: string | null;
}

export interface Health {
  status: "ok" | "loading" | "degraded" | "unavailable" | "draining";
  version: string;
  models: { text: ModelHealth; vision: ModelHealth };
  queue: { waiting: number; limit: number };
  database: { status: string; kind: string };
  warnings: string[];
}

export interface VisionInfo {
  status: ModelStatus;
  image: { formats: string[]; max_images: number; max_bytes: number; max_pixels: number };
  reason: string | null;
}
