CREATE TABLE `jobs` (
	`attempt_id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`object_id` text NOT NULL,
	`route` text NOT NULL,
	`credential_position` integer,
	`credential_hash` text,
	`bounds` text,
	`input_tokens_estimate` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `objects` ADD `batch` text;