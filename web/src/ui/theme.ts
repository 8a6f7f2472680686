/* theme: Mantine set up for our look (design: the data is the brightest thing on the page; chrome is grey, flat, thin). */
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/* From light to dark; the dark scheme's text is [0], its page [8], its panels [7]. */
const dark: MantineColorsTuple = [
    '#ccccdc', '#b9bac6', '#9aa0ab', '#7d828c', '#3a3e45', '#2c3036', '#22252b', '#181b1f', '#111217', '#0b0c0e',
];
const accent: MantineColorsTuple = [
    '#eef4ff', '#dce7ff', '#b7cdff', '#8fb2ff', '#6e9fff', '#4f84f0', '#1f62e0', '#1b55c2', '#16469f', '#10357a',
];

export const theme = createTheme({
    colors: { dark, accent },
    primaryColor: 'accent',
    primaryShade: { light: 6, dark: 6 },
    fontFamily: "'Inter Variable', system-ui, sans-serif",
    fontFamilyMonospace: "'JetBrains Mono Variable', ui-monospace, monospace",
    fontSizes: { xs: '11px', sm: '12px', md: '13px', lg: '15px', xl: '18px' },
    headings: { fontWeight: '600', sizes: { h1: { fontSize: '16px' }, h2: { fontSize: '14px' }, h3: { fontSize: '13px' } } },
    defaultRadius: 4,
    spacing: { xs: '4px', sm: '8px', md: '12px', lg: '16px', xl: '24px' },
    cursorType: 'pointer',
    respectReducedMotion: true,
    components: {
        Button: { defaultProps: { size: 'xs' } },
        TextInput: { defaultProps: { size: 'xs' } },
        NumberInput: { defaultProps: { size: 'xs' } },
        Textarea: { defaultProps: { size: 'xs' } },
        Select: { defaultProps: { size: 'xs', allowDeselect: false } },
        MultiSelect: { defaultProps: { size: 'xs' } },
        TagsInput: { defaultProps: { size: 'xs' } },
        Autocomplete: { defaultProps: { size: 'xs' } },
        SegmentedControl: { defaultProps: { size: 'xs' } },
        Switch: { defaultProps: { size: 'xs' } },
        Checkbox: { defaultProps: { size: 'xs' } },
        ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray', size: 28 } },
        Modal: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
        Drawer: { defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } },
        Badge: { defaultProps: { radius: 3, variant: 'light' } },
    },
});

/* The names that our own CSS uses; the same for Mantine's. */
export const cssVariables: CSSVariablesResolver = () => ({
    variables: { '--mantine-line-height': '1.45', '--mantine-font-size-md': '13px' },
    dark: {
        '--page': '#111217',
        '--panel': '#181b1f',
        '--raised': '#22252b',
        '--line': 'rgba(204, 204, 220, 0.10)',
        '--line-strong': 'rgba(204, 204, 220, 0.22)',
        '--text': '#ccccdc',
        '--muted': '#9aa0ab',
        '--accent': '#6e9fff',
        '--ok': '#6ccf8e',
        '--warn': '#f2b63d',
        '--bad': '#ff7383',
        '--info': '#6e9fff',
        '--mantine-color-body': '#111217',
        '--mantine-color-text': '#ccccdc',
        '--mantine-color-dimmed': '#9aa0ab',
        '--mantine-color-anchor': '#6e9fff',
        '--mantine-color-default-border': 'rgba(204, 204, 220, 0.16)',
        '--mantine-color-placeholder': '#8b909b',
        '--mantine-color-error': '#ff7383',
    },
    light: {
        '--page': '#f4f5f5',
        '--panel': '#ffffff',
        '--raised': '#f7f8fa',
        '--line': 'rgba(36, 41, 46, 0.12)',
        '--line-strong': 'rgba(36, 41, 46, 0.28)',
        '--text': '#24292e',
        '--muted': '#5b6270',
        '--accent': '#1f62e0',
        '--ok': '#12653a',
        '--warn': '#7a4f00',
        '--bad': '#b51226',
        '--info': '#1f62e0',
        '--mantine-color-body': '#f4f5f5',
        '--mantine-color-text': '#24292e',
        '--mantine-color-dimmed': '#5b6270',
        '--mantine-color-anchor': '#1f62e0',
        '--mantine-color-default-border': 'rgba(36, 41, 46, 0.2)',
        '--mantine-color-placeholder': '#6b7280',
        '--mantine-color-error': '#c4162a',
    },
});
