CREATE TABLE `objects` (
	`tenant_id` text NOT NULL,
	`id` text NOT NULL,
	`kind` text NOT NULL,
	`number` integer NOT NULL,
	`token_id` text NOT NULL,
	`provider_id` text NOT NULL,
	`credential_position` integer,
	`credential_hash` text,
	`route` text,
	`model` text,
	`created_at_ms` integer NOT NULL,
	`expires_at_ms` integer NOT NULL,
	PRIMARY KEY(`tenant_id`, `id`)
);
--> statement-breakpoint
CREATE UNIQUE INDEX `objects_by_provider` ON `objects` (`provider_id`,`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `objects_by_number` ON `objects` (`tenant_id`,`kind`,`number`);--> statement-breakpoint
CREATE INDEX `objects_by_expiry` ON `objects` (`expires_at_ms`);