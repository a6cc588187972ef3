CREATE TABLE `kept_answers` (
	`tenant_id` text PRIMARY KEY NOT NULL,
	`bytes` integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE `idempotency_keys` ADD `tenant_id` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `idempotency_keys` ADD `kept_bytes` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX `idempotency_keys_kept` ON `idempotency_keys` (`tenant_id`,`created_at_ms`) WHERE kept_bytes > 0;--> statement-breakpoint
UPDATE `idempotency_keys` SET `tenant_id` = coalesce((SELECT `tenant_id` FROM `tokens` WHERE `tokens`.`id` = `idempotency_keys`.`token_id`), ''), `kept_bytes` = CASE WHEN `body_sealed` IS NULL THEN 0 ELSE max(length(`body_sealed`), 4096) END;--> statement-breakpoint
INSERT INTO `kept_answers` (`tenant_id`, `bytes`) SELECT `tenant_id`, sum(`kept_bytes`) FROM `idempotency_keys` WHERE `kept_bytes` > 0 GROUP BY `tenant_id`;
