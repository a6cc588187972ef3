ALTER TABLE `prices` ADD `image_pico_usd` integer;--> statement-breakpoint
ALTER TABLE `prices` ADD `audio_second_pico_usd` integer;--> statement-breakpoint
ALTER TABLE `prices` ADD `character_pico_usd` integer;--> statement-breakpoint
ALTER TABLE `prices` ADD `search_unit_pico_usd` integer;