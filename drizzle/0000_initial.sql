CREATE TABLE `alerts` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`budget_id` text NOT NULL,
	`scope_type` text NOT NULL,
	`scope_id` text NOT NULL,
	`window_start_ms` integer NOT NULL,
	`threshold_ppm` integer NOT NULL,
	`amount_nano_usd` integer NOT NULL,
	`posted_nano_usd` integer NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `alerts_once` ON `alerts` (`budget_id`,`scope_id`,`window_start_ms`,`threshold_ppm`);--> statement-breakpoint
CREATE TABLE `attempts` (
	`seq` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`request_id` text NOT NULL,
	`number` integer NOT NULL,
	`tenant_id` text NOT NULL,
	`project_id` text,
	`token_id` text NOT NULL,
	`end_user_id` text,
	`route_id` text,
	`provider_id` text NOT NULL,
	`model` text NOT NULL,
	`price_version` integer NOT NULL,
	`held_nano_usd` integer NOT NULL,
	`held_at_ms` integer NOT NULL,
	`commit_number` integer NOT NULL,
	`chain` blob NOT NULL,
	CONSTRAINT "attempts_held" CHECK("attempts"."held_nano_usd" >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `attempts_by_id` ON `attempts` (`id`);--> statement-breakpoint
CREATE INDEX `attempts_by_request` ON `attempts` (`request_id`);--> statement-breakpoint
CREATE TABLE `budgets` (
	`id` text PRIMARY KEY NOT NULL,
	`scope_type` text NOT NULL,
	`scope_id` text NOT NULL,
	`tenant_id` text,
	`amount_nano_usd` integer,
	`window` text NOT NULL,
	`time_zone` text NOT NULL,
	`anchor` text,
	`mode` text NOT NULL,
	`on_hold_reached` text NOT NULL,
	`alert_thresholds` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at_ms` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "budgets_amount" CHECK("budgets"."amount_nano_usd" >= 0)
);
--> statement-breakpoint
CREATE INDEX `budgets_by_tenant` ON `budgets` (`tenant_id`);--> statement-breakpoint
CREATE TABLE `credits` (
	`id` text PRIMARY KEY NOT NULL,
	`budget_id` text NOT NULL,
	`kind` text NOT NULL,
	`amount_nano_usd` integer NOT NULL,
	`end_user_id` text,
	`starts_at_ms` integer NOT NULL,
	`expires_at_ms` integer,
	`note` text,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at_ms` integer NOT NULL,
	FOREIGN KEY (`budget_id`) REFERENCES `budgets`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "credits_amount" CHECK("credits"."amount_nano_usd" >= 0)
);
--> statement-breakpoint
CREATE INDEX `credits_by_budget` ON `credits` (`budget_id`);--> statement-breakpoint
CREATE TABLE `learned` (
	`kind` text NOT NULL,
	`owner_id` text NOT NULL,
	`model` text NOT NULL,
	`state` text NOT NULL,
	`updated_at_ms` integer NOT NULL,
	PRIMARY KEY(`kind`, `owner_id`, `model`)
);
--> statement-breakpoint
CREATE TABLE `limits` (
	`id` text PRIMARY KEY NOT NULL,
	`scope_type` text NOT NULL,
	`scope_id` text NOT NULL,
	`tenant_id` text NOT NULL,
	`requests_per_minute` integer,
	`tokens_per_minute` integer,
	`max_concurrent` integer,
	`burst` integer,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at_ms` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `limits_by_tenant` ON `limits` (`tenant_id`);--> statement-breakpoint
CREATE TABLE `open_attempts` (
	`attempt_seq` integer PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`end_user_id` text
);
--> statement-breakpoint
CREATE TABLE `postings` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`attempt_id` text NOT NULL,
	`kind` text NOT NULL,
	`amount_nano_usd` integer NOT NULL,
	`estimated` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cached_input_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`details` text,
	`status` integer,
	`outcome` text NOT NULL,
	`latency_ms` integer NOT NULL,
	`posted_at_ms` integer NOT NULL,
	`corrects` integer,
	`chain` blob NOT NULL,
	CONSTRAINT "postings_amount" CHECK("postings"."kind" = 'correct' or "postings"."amount_nano_usd" >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `postings_terminal` ON `postings` (`attempt_id`) WHERE "postings"."kind" <> 'correct';--> statement-breakpoint
CREATE INDEX `postings_corrections` ON `postings` (`attempt_id`) WHERE "postings"."kind" = 'correct';--> statement-breakpoint
CREATE TABLE `price_versions` (
	`seq` integer PRIMARY KEY NOT NULL,
	`price` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `price_versions_by_price` ON `price_versions` (`price`);--> statement-breakpoint
CREATE TABLE `prices` (
	`id` text PRIMARY KEY NOT NULL,
	`provider_id` text NOT NULL,
	`model` text NOT NULL,
	`input_pico_usd` integer NOT NULL,
	`output_pico_usd` integer NOT NULL,
	`cached_input_pico_usd` integer,
	`cache_write_pico_usd` integer,
	`cache_write_1h_pico_usd` integer,
	`reasoning_pico_usd` integer,
	`audio_input_pico_usd` integer,
	`audio_output_pico_usd` integer,
	`image_input_pico_usd` integer,
	`image_output_pico_usd` integer,
	`request_pico_usd` integer,
	`tool_call_pico_usd` text,
	`tiers` text,
	`batch_permille` integer,
	`context_tokens_max` integer,
	`output_tokens_max` integer,
	`effective_at_ms` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at_ms` integer NOT NULL,
	FOREIGN KEY (`provider_id`) REFERENCES `providers`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "prices_input" CHECK("prices"."input_pico_usd" >= 0),
	CONSTRAINT "prices_output" CHECK("prices"."output_pico_usd" >= 0),
	CONSTRAINT "prices_cached_input" CHECK("prices"."cached_input_pico_usd" >= 0)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `prices_by_model` ON `prices` (`provider_id`,`model`);--> statement-breakpoint
CREATE TABLE `projects` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`name` text NOT NULL,
	`metadata` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at_ms` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `projects_by_tenant` ON `projects` (`tenant_id`);--> statement-breakpoint
CREATE TABLE `providers` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`dialect` text NOT NULL,
	`base_url` text NOT NULL,
	`credential_sealed` text,
	`allow_private_network` integer NOT NULL,
	`timeouts_ms` text NOT NULL,
	`max_concurrent` integer,
	`on_client_disconnect` text NOT NULL,
	`enabled` integer NOT NULL,
	`simulated` integer NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `providers_by_name` ON `providers` (`name`);--> statement-breakpoint
CREATE TABLE `requests` (
	`id` text PRIMARY KEY NOT NULL,
	`created_at_ms` integer NOT NULL,
	`tenant_id` text,
	`project_id` text,
	`token_id` text,
	`end_user_id` text,
	`route` text,
	`provider` text,
	`model` text,
	`status` integer NOT NULL,
	`error_code` text,
	`stream` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cached_input_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`cost_nano_usd` integer NOT NULL,
	`estimated` integer NOT NULL,
	`attempt_count` integer NOT NULL,
	`latency_ms` integer NOT NULL,
	`first_token_ms` integer,
	`client_gone` integer NOT NULL,
	`refusal` text
);
--> statement-breakpoint
CREATE INDEX `requests_by_tenant` ON `requests` (`tenant_id`,`id`);--> statement-breakpoint
CREATE INDEX `requests_by_token` ON `requests` (`token_id`,`id`);--> statement-breakpoint
CREATE TABLE `routes` (
	`id` text PRIMARY KEY NOT NULL,
	`model` text NOT NULL,
	`tenant_id` text,
	`strategy` text NOT NULL,
	`targets` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at_ms` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `routes_by_model` ON `routes` (`model`) WHERE "routes"."tenant_id" is null;--> statement-breakpoint
CREATE UNIQUE INDEX `routes_by_tenant_model` ON `routes` (`tenant_id`,`model`) WHERE "routes"."tenant_id" is not null;--> statement-breakpoint
CREATE TABLE `settings` (
	`name` text PRIMARY KEY NOT NULL,
	`value` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `spend` (
	`scope_type` text NOT NULL,
	`scope_id` text NOT NULL,
	`slot_start_ms` integer NOT NULL,
	`posted_nano_usd` integer NOT NULL,
	PRIMARY KEY(`scope_type`, `scope_id`, `slot_start_ms`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `tenants` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`status` text NOT NULL,
	`metadata` text NOT NULL,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at_ms` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`project_id` text,
	`name` text NOT NULL,
	`hash` text NOT NULL,
	`previous_hash` text,
	`previous_until_ms` integer,
	`hint` text NOT NULL,
	`expires_at_ms` integer,
	`max_requests` integer,
	`allowed_models` text,
	`metadata` text NOT NULL,
	`revoked_at_ms` integer,
	`request_count` integer DEFAULT 0 NOT NULL,
	`last_used_at_ms` integer,
	`version` integer DEFAULT 1 NOT NULL,
	`created_at_ms` integer NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`project_id`) REFERENCES `projects`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tokens_by_hash` ON `tokens` (`hash`);--> statement-breakpoint
CREATE INDEX `tokens_by_tenant` ON `tokens` (`tenant_id`);--> statement-breakpoint
CREATE TABLE `unpriced_models` (
	`provider_id` text NOT NULL,
	`model` text NOT NULL,
	`requests` integer NOT NULL,
	`first_seen_at_ms` integer NOT NULL,
	`last_seen_at_ms` integer NOT NULL,
	PRIMARY KEY(`provider_id`, `model`)
);
--> statement-breakpoint
CREATE TABLE `usage_days` (
	`day_start_ms` integer NOT NULL,
	`tenant_id` text NOT NULL,
	`project_id` text NOT NULL,
	`token_id` text NOT NULL,
	`provider_id` text NOT NULL,
	`model` text NOT NULL,
	`requests` integer NOT NULL,
	`attempts` integer NOT NULL,
	`input_tokens` integer NOT NULL,
	`output_tokens` integer NOT NULL,
	`cached_input_tokens` integer NOT NULL,
	`reasoning_tokens` integer NOT NULL,
	`cost_nano_usd` integer NOT NULL,
	PRIMARY KEY(`day_start_ms`, `tenant_id`, `project_id`, `token_id`, `provider_id`, `model`)
) WITHOUT ROWID;
