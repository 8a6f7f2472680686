/* ui: what pages and panels are made of. */
export * from './icons';
export * from './mantine';
export * from './Page';
export * from './Provider';
export * from './router';
export * from './Shell';
export * from './shortcuts';
export * from './states';
export * from './store';
export * from './format';
export * from './TimePicker';
export * from './timeRange';
export * from './links';
export * from './useNow';
export * from './Filter';
export * from './Section';
export * from './matchers';
