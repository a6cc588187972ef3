CREATE TABLE `idempotency_keys` (
	`token_id` text NOT NULL,
	`key_hash` text NOT NULL,
	`body_hash` text NOT NULL,
	`request_id` text NOT NULL,
	`created_at_ms` integer NOT NULL,
	`expires_at_ms` integer NOT NULL,
	`status` integer,
	`headers` text,
	`body_sealed` blob,
	PRIMARY KEY(`token_id`, `key_hash`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_keys_by_expiry` ON `idempotency_keys` (`expires_at_ms`);--> statement-breakpoint
ALTER TABLE `providers` ADD `terms` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `requests` ADD `attempt_notes` text;--> statement-breakpoint
ALTER TABLE `requests` ADD `answered_by` text;--> statement-breakpoint
ALTER TABLE `routes` ADD `terms` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `terms` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE `tokens` ADD `terms` text DEFAULT '{}' NOT NULL;--> statement-breakpoint
UPDATE `providers` SET `timeouts_ms` = json_set(`timeouts_ms`, '$.first_token', 300000) WHERE json_extract(`timeouts_ms`, '$.first_token') IS NULL;
